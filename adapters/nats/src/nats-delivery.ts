import type { Delivery, IncomingMessage, Lane } from '@waggle/messaging';
import type { Line } from './nats-wire.ts';

const encoder = new TextEncoder();
export const ACK = encoder.encode('+ACK');
export const NAK = encoder.encode('-NAK');
export const WORKING = encoder.encode('+WPI');

/** A durable of which a consumer takes, with the places that it has. */
export class TakenLine {
  readonly line: Line;
  /** Most unsettled deliveries at a time. */
  readonly capacity: number;
  /** By position. A retry that waits is no longer among them. */
  readonly unsettled = new Map<number, NatsDelivery>();
  /** Everything up to here is settled, as far as this process knows: where to go on if the durable is deleted. */
  floor: number;
  /** Messages that were asked for in the current session and have not come. */
  requested = 0;
  /** When an answer to what was asked for is overdue. */
  overdueAt = Infinity;
  repairing = false;
  /** What was acknowledged last. Its acknowledgement may be lost; of a lane, no other's can be. */
  lastAcked = 0;
  /** Whether we made the durable anew, so that the server does not know what was acknowledged. */
  renewed = false;
  /** Whether the server may know a higher floor than we do. */
  stale = false;

  constructor(line: Line, capacity: number, floor: number) {
    this.line = line;
    this.capacity = line.ordered ? 1 : capacity;
    this.floor = floor;
  }

  get places(): number {
    return this.repairing ? 0 : this.capacity - this.unsettled.size - this.requested;
  }
}

/** What sends the settlements: the consumer. */
export interface Settler {
  settle(delivery: NatsDelivery, payload: Uint8Array): void;
}

/** One handing over; the lease says until when a settlement counts. */
export class NatsDelivery implements Delivery {
  readonly message: IncomingMessage;
  readonly lane: Lane;
  readonly attempt: number;
  readonly position: number;
  readonly taken: TakenLine;
  /** Where settlements go. Another after a redelivery to ourselves. */
  reply: string;
  leasedUntil: number;
  readonly #settler: Settler;
  #settled = false;

  constructor(
    settler: Settler,
    taken: TakenLine,
    message: IncomingMessage,
    at: { lane: Lane; attempt: number; position: number; reply: string; leasedUntil: number },
  ) {
    this.#settler = settler;
    this.taken = taken;
    this.message = message;
    this.lane = at.lane;
    this.attempt = at.attempt;
    this.position = at.position;
    this.reply = at.reply;
    this.leasedUntil = at.leasedUntil;
  }

  ack(): void {
    this.#settle(ACK);
  }
  retry(delayMs: number): void {
    this.#settle(delayMs > 0 ? encoder.encode(`-NAK {"delay":${Math.ceil(delayMs) * 1_000_000}}`) : NAK);
  }
  release(): void {
    this.#settle(NAK);
  }
  #settle(payload: Uint8Array): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settler.settle(this, payload);
  }
}
