import assert from 'node:assert/strict';
import type { CloudEvent, Handler } from '@waggle/kernel';
import type { Handled } from './bench.ts';
import { Collector } from './collector.ts';

/** A handling that runs. */
interface Running {
  readonly id: string;
  readonly member: string;
}

/** Watches the handlings of several members and tells whether keys kept their order, and to themselves. */
export class Witness {
  readonly handled: Collector<Handled>;
  readonly #running = new Map<string, Running>();
  readonly #overlaps: string[] = [];
  readonly #dead = new Set<string>();

  constructor(deadlineMs: number) {
    this.handled = new Collector(deadlineMs);
  }

  /** A handler of `member` that is watched while `work` runs. */
  handler(member: string, work: Handler = async () => undefined): Handler {
    return async (message, context) => {
      const key = message.partitionkey ?? message.id;
      const running: Running = { id: message.id, member };
      const other = this.#running.get(key);
      if (other !== undefined && !this.#dead.has(member) && !this.#dead.has(other.member)) {
        this.#overlaps.push(`${key}: ${other.id} by ${other.member} and ${message.id} by ${member}`);
      }
      this.#running.set(key, running);
      this.handled.add({ id: message.id, attempt: context.attempt, member });
      try {
        await work(message, context);
      } finally {
        if (this.#running.get(key) === running) this.#running.delete(key);
      }
    };
  }

  /** What `member` still does, nobody can know of. */
  died(member: string): void {
    this.#dead.add(member);
  }

  get members(): ReadonlySet<string> {
    return new Set(this.handled.items.map(({ member }) => member));
  }

  /** What `member` began. */
  idsOf(member: string): readonly string[] {
    return this.handled.items.filter((item) => item.member === member).map(({ id }) => id);
  }

  /** Whether each of `messages` was handled, or begun, at least once. */
  has(messages: readonly CloudEvent[]): boolean {
    const seen = new Set(this.handled.items.map(({ id }) => id));
    return messages.every(({ id }) => seen.has(id));
  }

  async all(messages: readonly CloudEvent[], what = `${messages.length} messages`): Promise<void> {
    await this.handled.until(() => this.has(messages), what);
  }

  /** Of each key: nothing was handled before, or at the same time as, or again after, what was published before it. */
  assertOrder(published: readonly CloudEvent[]): void {
    const places = new Map<string, { readonly key: string; readonly place: number }>();
    const counts = new Map<string, number>();
    for (const { id, partitionkey: key = id } of published) {
      const place = counts.get(key) ?? 0;
      counts.set(key, place + 1);
      places.set(id, { key, place });
    }
    const reached = new Map<string, number>();
    const wrong: string[] = [];
    for (const { id, member } of this.handled.items) {
      const { key, place } = places.get(id) ?? { key: 'none', place: -1 };
      const before = reached.get(key) ?? -1;
      if (place !== before && place !== before + 1)
        wrong.push(`${key}: ${place} after ${before}, by ${member}`);
      reached.set(key, place);
    }
    assert.deepEqual(wrong, [], 'out of order');
    assert.deepEqual(this.#overlaps, [], 'two of a key at the same time');
  }
}
