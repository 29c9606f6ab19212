interface Appointment<Item> {
  readonly dueMs: number;
  readonly order: number;
  readonly item: Item;
}

function isEarlier<Item>(one: Appointment<Item>, other: Appointment<Item>): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);
}

/** Items by the time at which they are due, the earliest first, equal times in order of arrival: a binary heap. */
export class Agenda<Item> {
  readonly #heap: Appointment<Item>[] = [];
  #count = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the earliest item is due; `undefined` when there is none. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.dueMs;
  }

  add(dueMs: number, item: Item): void {
    const added = { dueMs, order: this.#count++, item };
    let at = this.#heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || !isEarlier(added, parent)) break;
      this.#heap[at] = parent;
      at = above;
    }
    this.#heap[at] = added;
  }

  /** Takes the earliest item if it is due by `nowMs`. */
  takeDue(nowMs: number): Item | undefined {
    const top = this.#heap[0];
    if (top === undefined || top.dueMs > nowMs) return undefined;
    const last = this.#heap.pop();
    if (last !== undefined && last !== top) this.#sink(last);
    return top.item;
  }

  #sink(moved: Appointment<Item>): void {
    let at = 0;
    for (;;) {
      const left = this.#heap[2 * at + 1];
      const right = this.#heap[2 * at + 2];
      const [child, below] =
        left !== undefined && right !== undefined && isEarlier(right, left)
          ? [right, 2 * at + 2]
          : [left, 2 * at + 1];
      if (child === undefined || !isEarlier(child, moved)) break;
      this.#heap[at] = child;
      at = below;
    }
    this.#heap[at] = moved;
  }
}
