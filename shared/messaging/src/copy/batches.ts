import { setTimeout as delay } from 'node:timers/promises';

/** How long the first of a batch waits for others. */
const LINGER_MS = 10;

/** Groups what comes: as much as there is, at most `size`, and none waits long for the next. */
export async function* collectBatches<Item>(
  items: AsyncIterable<Item>,
  size: number,
): AsyncGenerator<readonly Item[], void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const first = await next;
      if (first.done === true) return;
      const batch = [first.value];
      const over = delay(LINGER_MS, 'over' as const);
      for (next = iterator.next(); batch.length < size; next = iterator.next()) {
        const result = await Promise.race([next, over]);
        if (result === 'over' || result.done === true) break;
        batch.push(result.value);
      }
      next.catch(() => undefined); // heard when it is its turn
      yield batch;
    }
  } finally {
    await iterator.return?.();
  }
}
