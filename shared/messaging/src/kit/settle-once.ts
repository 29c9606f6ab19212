import type { Delivery, IncomingMessage, Lane } from '../driver.ts';

export type Settlement =
  | { readonly kind: 'ack' }
  | { readonly kind: 'release' }
  | { readonly kind: 'retry'; readonly delayMs: number };

const ACK: Settlement = { kind: 'ack' };
const RELEASE: Settlement = { kind: 'release' };

/** A delivery that calls `settle` for the first settlement alone. */
export class SettleOnce implements Delivery {
  readonly message: IncomingMessage;
  readonly lane: Lane;
  readonly attempt: number;
  #settle: ((settlement: Settlement) => void) | undefined;
  readonly #isOver: () => boolean;

  constructor(
    message: IncomingMessage,
    lane: Lane,
    attempt: number,
    settle: (settlement: Settlement) => void,
    isOver: () => boolean = () => false,
  ) {
    this.message = message;
    this.lane = lane;
    this.attempt = attempt;
    this.#settle = settle;
    this.#isOver = isOver;
  }

  get isOver(): boolean {
    return this.#isOver();
  }

  ack(): void {
    this.#once(ACK);
  }
  release(): void {
    this.#once(RELEASE);
  }
  retry(delayMs: number): void {
    this.#once({ kind: 'retry', delayMs });
  }

  #once(settlement: Settlement): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(settlement);
  }
}
