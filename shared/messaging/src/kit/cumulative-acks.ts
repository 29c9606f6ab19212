/**
 * Acknowledgements collected over a turn of the event loop, but `most` at a time, lest the server has nothing left to send
 * meanwhile: a cumulative one for the contiguous finished prefix, which is cheaper for a server than one each, and
 * single ones for the rest. For brokers whose deliveries are numbered from 1.
 */
export function createCumulativeAcks<Item>(most: number, send: (item: Item, allUpTo: boolean) => void) {
  const collected = new Map<number, Item>();
  /** Settled beyond `floor`, in whichever way. */
  const settled = new Set<number>();
  let floor = 0;

  /** Sends what was collected. */
  function flush(): void {
    let last: { readonly item: Item } | undefined;
    while (settled.delete(floor + 1)) {
      floor++;
      const item = collected.get(floor);
      if (item !== undefined) last = { item };
      collected.delete(floor);
    }
    if (last !== undefined) send(last.item, true);
    for (const item of collected.values()) send(item, false);
    collected.clear();
  }

  return {
    flush,
    /** To be told also of what is settled in another way. */
    note: (number: number) => void settled.add(number),
    ack(number: number, item: Item): void {
      settled.add(number);
      collected.set(number, item);
      if (collected.size >= most) flush();
      else if (collected.size === 1) setImmediate(flush);
    },
  };
}
