import { MessagingError, type Clock } from '@waggle/kernel';
import type { LogEntry, LogPosition, Reading, Retention } from '@waggle/messaging';
import { Fifo } from './fifo.ts';
import { handOut, type StoredMessage } from './stored-message.ts';

const POSITION = /^m([1-9][0-9]{0,14})$/;

/** The position of a message in its log, as an opaque string. */
function positionOf(sequence: number): string {
  return `m${sequence}`;
}

/** @throws MessagingError `invalid` */
function sequenceOf(position: string): number {
  const digits = POSITION.exec(position)?.[1];
  if (digits !== undefined) return Number(digits);
  throw new MessagingError('invalid', `[memory] "${position.slice(0, 40)}" is not a position in a log`);
}

export interface LogOptions {
  /** For error messages. */
  readonly name: string;
  readonly retention: Retention;
  readonly clock: Clock;
  /** Told of every message that is kept no longer, oldest first. */
  readonly discarded?: (message: StoredMessage) => void;
}

/** Messages that stay until they are too old or too many; numbered from 1 without holes. */
export class MemoryLog {
  /** The number of the last message; 0 before the first. */
  head = 0;
  /** Of all messages that are kept. */
  bytes = 0;
  readonly #options: LogOptions;
  readonly #entries = new Fifo<StoredMessage>();
  readonly #watchers = new Set<() => void>();

  constructor(options: LogOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The position of the last message; `undefined` before the first. */
  get headPosition(): string | undefined {
    return this.head === 0 ? undefined : positionOf(this.head);
  }

  /** The number of the oldest message that is kept; one past the head when none is. */
  get first(): number {
    return this.head - this.#entries.size + 1;
  }

  at(sequence: number): StoredMessage | undefined {
    return this.#entries.at(sequence - this.first);
  }

  /** Takes a message that is numbered `head + 1`. The retention is applied by `trim`. */
  append(message: StoredMessage): void {
    this.#entries.push(message);
    this.head = message.sequence;
    this.bytes += message.bytes;
    for (const wake of this.#watchers) wake();
  }

  /** Discards what is older or more than the retention allows; the newest message outlives the limit in bytes. */
  trim(): void {
    const { retention, clock, discarded } = this.#options;
    const oldestMs = clock.now() - retention.maxAgeMs;
    for (;;) {
      const oldest = this.#entries.at(0);
      if (oldest === undefined) return;
      const tooMany = this.bytes > retention.maxBytes && this.#entries.size > 1;
      if (!tooMany && oldest.storedAtMs > oldestMs) return;
      this.#entries.shift();
      this.bytes -= oldest.bytes;
      discarded?.(oldest);
    }
  }

  /** The number of the first message from `from` on. @throws MessagingError `out-of-range`, `invalid` */
  startOf(from: LogPosition): number {
    this.trim();
    if (from === 'beginning') return this.first;
    if (from === 'new') return this.head + 1;
    const sequence = sequenceOf(from.after);
    if (sequence < this.first) throw this.#gone(sequence);
    if (sequence <= this.head) return sequence + 1;
    const where = `is past the head, ${positionOf(this.head)}: was the log replaced?`;
    throw this.#outOfRange(sequence, where);
  }

  /** A reader that the retention overtakes is told so, instead of missing something silently. */
  async *read({ after, resumed, until, signal }: Reading): AsyncGenerator<LogEntry> {
    const last = until === undefined ? Infinity : sequenceOf(until);
    const from = after === undefined ? 'beginning' : { after };
    let next = this.startOf(resumed ? 'beginning' : from);
    if (resumed) next = after === undefined ? 1 : sequenceOf(after) + 1;
    while (next <= last && !signal.aborted) {
      this.trim();
      if (next > this.head) {
        await this.#appended(signal);
        continue;
      }
      const stored = this.at(next);
      if (stored === undefined) throw this.#gone(next);
      yield { message: handOut(stored), position: positionOf(next++) };
    }
  }

  /** Resolves after the next message, or when the signal aborts. */
  async #appended(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#watchers.add(wake);
    signal.addEventListener('abort', wake);
    await promise;
    this.#watchers.delete(wake);
    signal.removeEventListener('abort', wake);
  }

  #gone(sequence: number): MessagingError {
    return this.#outOfRange(sequence, 'is no longer kept: begin at "beginning" or keep more');
  }

  #outOfRange(sequence: number, what: string): MessagingError {
    const position = `position ${positionOf(sequence)} of ${this.#options.name}`;
    return new MessagingError('out-of-range', `[memory] ${position} ${what}`);
  }
}
