/** Positions of a log, the first and the last included. */
export type Span = readonly [first: number, last: number];

/**
 * How far a consumer has come in one lane of a log that is numbered, and past what it has jumped: what was discarded
 * there may have been of this lane. For brokers that do not tell what a consumer missed.
 */
export class Trail {
  #reached: number;
  #jumps: Span[] = [];

  /** @param reached nothing up to here is to come any more */
  constructor(reached: number) {
    this.#reached = reached;
  }

  get reached(): number {
    return this.#reached;
  }

  /** The lane's next message that is kept. */
  arrive(position: number): void {
    if (position > this.#reached + 1) this.#jumps.push([this.#reached + 1, position - 1]);
    this.advance(position);
  }

  /** Nothing of the lane is left up to here, and nothing was missed. */
  advance(position: number): void {
    this.#reached = Math.max(this.#reached, position);
  }

  /** What it jumped over since this was called last. */
  takeJumps(): readonly Span[] {
    return this.#jumps.splice(0);
  }

  /** What it did not come to before the log began with `first`; it goes on there. */
  leaveBehind(first: number): readonly Span[] {
    if (first - 1 <= this.#reached) return [];
    const span: Span = [this.#reached + 1, first - 1];
    this.#reached = first - 1;
    return [span];
  }
}

/** How many positions before `first` are in any of the spans. */
export function countBefore(first: number, spans: readonly Span[]): number {
  let [count, counted] = [0, 0];
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    const last = Math.min(to, first - 1);
    count += Math.max(0, last - Math.max(from - 1, counted));
    counted = Math.max(counted, last);
  }
  return count;
}
