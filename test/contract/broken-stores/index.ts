import * as batches from './batches.ts';
import type { BrokenStore } from './broken-store.ts';
import * as content from './content.ts';
import * as documents from './documents.ts';
import * as expectations from './expectations.ts';
import * as inbox from './inbox.ts';
import { ordersByBeginning, skipsTheLate } from './late-writers.ts';
import * as lifecycle from './lifecycle.ts';
import * as outbox from './outbox.ts';
import * as reading from './reading.ts';
import * as schedule from './schedule.ts';
import * as slow from './slow.ts';
import * as truncating from './truncating.ts';
import * as work from './work.ts';

export type { BrokenStore } from './broken-store.ts';
export { severalGoodWriters } from './late-writers.ts';

/** All of them. One that nobody catches is a hole in the suite. */
export const brokenStores: readonly BrokenStore[] = [
  ...Object.values(expectations),
  ...Object.values(batches),
  ...Object.values(content),
  ...Object.values(lifecycle),
  ...Object.values(reading),
  ...Object.values(truncating),
  skipsTheLate,
  ordersByBeginning,
  ...Object.values(documents),
  ...Object.values(work),
  ...Object.values(inbox),
  ...Object.values(outbox),
  ...Object.values(slow),
  ...Object.values(schedule),
];
