import type { Delivery } from '@waggle/messaging';
import type { Item } from './memory-line.ts';

/** How a driver attaches to a group or queue. */
export interface Attachment {
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly paused: boolean;
  readonly deliver: (delivery: Delivery) => void;
  /** The server ended it: attach again. */
  readonly lost: () => void;
}

/** One attached consumer, as the server sees it. */
export class Member {
  readonly attachment: Attachment;
  /** What was handed over and is not settled. */
  readonly held = new Map<Delivery, Item>();
  /** How much of it counts against `concurrency`. */
  taken = 0;
  paused: boolean;
  /** Settlements of a frozen process: they arrive when it wakes. */
  late: (() => void)[] | undefined;
  /** Ends the wait for the lease of a frozen process. */
  stopLease = (): void => undefined;

  constructor(attachment: Attachment) {
    this.attachment = attachment;
    this.paused = attachment.paused;
  }

  /** Whether a message of a line can be handed over now. */
  hasRoom(serial: boolean): boolean {
    if (this.paused || this.late !== undefined) return false;
    return serial || this.taken < this.attachment.concurrency;
  }
}
