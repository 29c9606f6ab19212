import { Fifo } from './fifo.ts';
import type { StoredMessage } from './stored-message.ts';

/** A message that was handed over, or put aside, at least once. */
export interface Item {
  readonly stored: StoredMessage;
  readonly line: Line;
  /** Handings over so far that count. */
  attempts: number;
  /** Whether an injected delay has been sat out. */
  delayed: boolean;
}

/**
 * What waits for the members of a group in one order. A serial line hands out one message at a time and is `busy` until
 * that one is settled for good; a parallel one as many as its members have room for.
 */
export class Line {
  readonly serial: boolean;
  /** Handed over before: by a retry, a release or a member that vanished. Goes first. */
  readonly returned = new Fifo<Item>();
  /** From the log, which may discard them. */
  readonly logged = new Fifo<StoredMessage>();
  /** Sent to this group or queue alone. */
  readonly own = new Fifo<StoredMessage>();
  /** Of a serial line: one of its messages is unsettled, or waits for its retry. */
  busy = false;
  /** Whether the line stands in its group's queue of lines that have work. */
  offered = false;

  constructor(serial: boolean) {
    this.serial = serial;
  }

  get hasWork(): boolean {
    return !this.busy && (this.returned.size > 0 || this.logged.size > 0 || this.own.size > 0);
  }

  /** The next message in the order of storing. */
  take(): Item | undefined {
    const returned = this.returned.shift();
    if (returned !== undefined) return returned;
    const own = this.own.at(0);
    const logged = this.logged.at(0);
    const ownFirst = own !== undefined && (logged === undefined || own.sequence < logged.sequence);
    const stored = ownFirst ? this.own.shift() : this.logged.shift();
    return stored === undefined ? undefined : { stored, line: this, attempts: 0, delayed: false };
  }
}
