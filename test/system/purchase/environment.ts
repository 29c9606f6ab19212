import { environmentFor as environmentOf } from '../start.ts';
import { SOURCES } from './purchase.ts';

export { brokers, durable, moves } from '../start.ts';

/** The environment of a host that runs them on this broker; removed at the end of the test. */
export const environmentFor = (broker: string): Promise<Record<string, string>> =>
  environmentOf(broker, SOURCES);
