import type { BrokenDriver } from './broken-driver.ts';
import * as connection from './connection.ts';
import * as content from './content.ts';
import * as faults from './faults.ts';
import * as flow from './flow.ts';
import * as groups from './groups.ts';
import * as order from './order.ts';
import * as positions from './positions.ts';
import * as security from './security.ts';
import * as settlement from './settlement.ts';

export { PASSWORD } from './password.ts';
export type { BrokenDriver } from './broken-driver.ts';

/** All of them. One that nobody catches is a hole in the suite. */
export const brokenDrivers: readonly BrokenDriver[] = [
  ...Object.values(settlement),
  ...Object.values(groups),
  ...Object.values(positions),
  ...Object.values(connection),
  ...Object.values(content),
  ...Object.values(order),
  ...Object.values(security),
  ...Object.values(faults),
  ...Object.values(flow),
];
