import type { OutboxEntry, OutboxMessage, ScheduleWrite } from '@waggle/messaging';

/** Entries in the order of commits, found by position without a search. */
export class MemoryOutbox {
  #entries: (OutboxEntry | undefined)[] = [];
  #first = 1;
  /** By scope and the service's name for it. */
  readonly #scheduled = new Map<string, { readonly atMs: number; readonly message: OutboxMessage }>();

  /** The last position that is there; 0 for none. */
  get head(): number {
    return this.#entries.findLast((entry) => entry !== undefined)?.position ?? 0;
  }

  add(added: readonly OutboxMessage[]): void {
    for (const message of added)
      this.#entries.push(Object.freeze({ ...message, position: this.#first + this.#entries.length }));
  }

  read(after: number, limit: number, partitions?: readonly number[]): readonly OutboxEntry[] {
    const found: OutboxEntry[] = [];
    for (let at = Math.max(0, after + 1 - this.#first); at < this.#entries.length; at++) {
      if (found.length >= limit) break;
      const entry = this.#entries[at];
      if (entry !== undefined && partitions?.includes(entry.partition) !== false) found.push(entry);
    }
    return found;
  }

  remove(positions: readonly number[]): void {
    for (const position of positions) {
      const at = position - this.#first;
      if (at >= 0 && at < this.#entries.length) this.#entries[at] = undefined;
    }
    let gone = 0;
    while (gone < this.#entries.length && this.#entries[gone] === undefined) gone++;
    if (gone < 1024 && gone < this.#entries.length) return; // moving the rest up has its price: not for a few
    this.#entries = this.#entries.slice(gone);
    this.#first += gone;
  }

  schedule(scope: string, { id, due }: ScheduleWrite): void {
    const name = JSON.stringify([scope, id]);
    if (due === undefined) this.#scheduled.delete(name);
    else this.#scheduled.set(name, due);
  }

  /** Returns whether any was due, and when the next one is. */
  releaseDue(
    nowMs: number,
    limit: number,
  ): { readonly released: number; readonly nextMs: number | undefined } {
    const waiting = [...this.#scheduled].toSorted(([, one], [, other]) => one.atMs - other.atMs);
    const due = waiting.filter(([, { atMs }]) => atMs <= nowMs).slice(0, limit);
    for (const [name] of due) this.#scheduled.delete(name);
    this.add(due.map(([, { message }]) => message));
    return { released: due.length, nextMs: waiting[due.length]?.[1].atMs };
  }
}
