import type { Broker } from '../start.ts';
import { environmentFor as environmentOf } from '../start.ts';
import { SOURCES } from './purchase.ts';

export type { Broker } from '../start.ts';
export { brokers } from '../start.ts';

/** The environment of a host that runs them on this broker; removed at the end of the test. */
export const environmentFor = (broker: Broker): Promise<Record<string, string>> =>
  environmentOf(broker, SOURCES);
