import { MessagingError, type Clock } from '@waggle/kernel';
import type { LogPosition, Retention } from '@waggle/messaging';
import { Fifo } from './fifo.ts';
import type { StoredMessage } from './stored-message.ts';

const POSITION = /^m([1-9][0-9]{0,14})$/;

/** The position of a message in its log, as an opaque string. */
export function positionOf(sequence: number): string {
  return `m${sequence}`;
}

/** Messages that stay until they are too old or too many; numbered from 1 without holes. */
export class MemoryLog {
  readonly name: string;
  readonly #retention: Retention;
  readonly #clock: Clock;
  readonly #discarded: (message: StoredMessage) => void;
  readonly #entries = new Fifo<StoredMessage>();
  readonly #watchers = new Set<() => void>();
  #head = 0;
  #bytes = 0;

  /** @param discarded is told of every message that is kept no longer, oldest first */
  constructor(
    name: string,
    retention: Retention,
    clock: Clock,
    discarded: (message: StoredMessage) => void = () => undefined,
  ) {
    this.name = name;
    this.#retention = retention;
    this.#clock = clock;
    this.#discarded = discarded;
  }

  /** The number of the last message; 0 before the first. */
  get head(): number {
    return this.#head;
  }

  /** The number of the oldest message that is kept; one past the head when none is. */
  get first(): number {
    return this.#head - this.#entries.size + 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  at(sequence: number): StoredMessage | undefined {
    return this.#entries.at(sequence - this.first);
  }

  /** Takes a message that is numbered `head + 1`. The retention is applied by `trim`. */
  append(message: StoredMessage): void {
    this.#entries.push(message);
    this.#head = message.sequence;
    this.#bytes += message.bytes;
    for (const wake of this.#watchers) wake();
  }

  /** Discards what is older or more than the retention allows; the newest message outlives the limit in bytes. */
  trim(): void {
    const { maxAgeMs, maxBytes } = this.#retention;
    const oldestMs = this.#clock.now() - maxAgeMs;
    for (;;) {
      const oldest = this.#entries.at(0);
      if (oldest === undefined) return;
      const tooMany = this.#bytes > maxBytes && this.#entries.size > 1;
      if (!tooMany && oldest.storedAtMs > oldestMs) return;
      this.#entries.shift();
      this.#bytes -= oldest.bytes;
      this.#discarded(oldest);
    }
  }

  /** The number of the first message from `from` on. @throws MessagingError `out-of-range`, `invalid` */
  startOf(from: LogPosition): number {
    this.trim();
    if (from === 'beginning') return this.first;
    if (from === 'new') return this.#head + 1;
    const digits = POSITION.exec(from.after)?.[1];
    if (digits === undefined) {
      throw new MessagingError('invalid', `[memory] "${from.after.slice(0, 40)}" is not a position in a log`);
    }
    const sequence = Number(digits);
    if (sequence > this.#head) {
      throw new MessagingError(
        'out-of-range',
        `[memory] position ${from.after} is past the head of ${this.name}, ${positionOf(this.#head)}: was the log replaced?`,
      );
    }
    if (sequence < this.first) throw this.gone(sequence);
    return sequence + 1;
  }

  gone(sequence: number): MessagingError {
    return new MessagingError(
      'out-of-range',
      `[memory] position ${positionOf(sequence)} of ${this.name} is no longer kept: begin at "beginning" or keep more`,
    );
  }

  /** Calls `wake` after each message that is appended; returns what stops that. */
  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => this.#watchers.delete(wake);
  }
}
