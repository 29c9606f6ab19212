import { setTimeout as delay } from 'node:timers/promises';
import type { CloudEvent, Recorded } from '@waggle/kernel';

/** Gathers what happens and wakes whoever waits for it. Nothing is slept for: a test that waits in vain says what it had. */
export class Collector<Item> {
  readonly items: Item[] = [];
  readonly #deadlineMs: number;
  readonly #waiting = new Set<() => void>();

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  add(item: Item): void {
    this.items.push(item);
    for (const look of this.#waiting) look();
  }

  /** Resolves with everything as soon as `condition` holds. @throws Error at the deadline, with what there was */
  async until(condition: (items: readonly Item[]) => boolean, what: string): Promise<readonly Item[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (condition(this.items)) resolve();
    };
    this.#waiting.add(look);
    look();
    try {
      await within(promise, this.#deadlineMs, () => `${what}; had ${this.items.length}: ${show(this.items)}`);
    } finally {
      this.#waiting.delete(look);
    }
    return this.items;
  }

  /** Resolves with everything as soon as there are `count`. */
  count(count: number): Promise<readonly Item[]> {
    return this.until((items) => items.length >= count, `${count} items`);
  }
}

/** The value of `promise`, or an error that says what was waited for. */
export async function within<Value>(
  promise: Promise<Value>,
  deadlineMs: number,
  what: () => string,
): Promise<Value> {
  const timer = new AbortController();
  const late = delay(deadlineMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`waited ${deadlineMs} ms for ${what()}`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/** Asks again and again, for what gives no signal: a lag, a list. @throws Error at the deadline, with the last answer */
export async function eventually<Value>(
  ask: () => Promise<Value>,
  condition: (value: Value) => boolean,
  what: string,
  deadlineMs: number,
): Promise<Value> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await ask();
    if (condition(value)) return value;
    if (performance.now() > deadline)
      throw new Error(`waited ${deadlineMs} ms for ${what}; had ${show([value])}`);
    await delay(20);
  }
}

/** Everything an iteration gives, until it ends. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** The events that a reading gives, until it ends. */
export async function eventsOf(reading: AsyncIterable<Recorded>): Promise<readonly CloudEvent[]> {
  return (await all(reading)).map(({ event }) => event);
}

/** A door that is shut until it is opened. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

function show(items: readonly unknown[]): string {
  const text = items.slice(-12).map((item) => JSON.stringify(item, bytesAsText) ?? String(item));
  return text.map((each) => (each.length > 300 ? `${each.slice(0, 300)}…` : each)).join(', ');
}

function bytesAsText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? `${value.length} bytes` : value;
}
