import { MessagingError, type Random } from '@waggle/kernel';

/** What goes wrong on purpose. Each is a probability in [0, 1] unless it says otherwise. @default nothing */
export interface Faults {
  /** A message is stored twice, as when a producer that missed a confirmation publishes again. */
  readonly duplicate?: number;
  /** Every handing over takes this long, or from the first to the second number of milliseconds. Lanes keep their order. */
  readonly delayMs?: number | readonly [number, number];
  /** An `ack` is lost on its way: the message is handed over again at once, with `attempt` one higher. */
  readonly dropAck?: number;
  /** A publish ends with `unavailable`; every other time, by chance, the message was stored all the same. */
  readonly failPublish?: number;
}

const KNOWN: ReadonlySet<string> = new Set(['duplicate', 'delayMs', 'dropAck', 'failPublish']);

function refuse(what: string, got: unknown, wanted: string): never {
  throw new MessagingError('invalid', `[memory] fault "${what}" is ${String(got)}: give ${wanted}`);
}

function check(faults: Faults): void {
  for (const [name, value] of Object.entries(faults)) {
    if (!KNOWN.has(name)) refuse(name, 'unknown', `one of ${[...KNOWN].join(', ')}`);
    const [most, wanted] =
      name === 'delayMs'
        ? [Number.MAX_SAFE_INTEGER, 'milliseconds, 0 or more']
        : [1, 'a probability from 0 to 1'];
    const numbers: unknown[] = Array.isArray(value) ? value : [value];
    for (const number of numbers) {
      if (typeof number !== 'number' || !(number >= 0 && number <= most)) refuse(name, number, wanted);
    }
  }
}

/** Throws the dice for a broker; with the same seed and the same calls in the same order, the same things go wrong. */
export class FaultDice {
  readonly #random: Random;
  #faults: Faults = {};

  constructor(random: Random, faults: Faults) {
    this.#random = random;
    this.change(faults);
  }

  /** @throws MessagingError `invalid` */
  change(faults: Faults): void {
    check(faults);
    this.#faults = { ...faults };
  }

  happens(fault: 'duplicate' | 'dropAck' | 'failPublish'): boolean {
    const probability = this.#faults[fault] ?? 0;
    return probability > 0 && this.#random() < probability;
  }

  /** True every other time, by chance. */
  coin(): boolean {
    return this.#random() < 0.5;
  }

  delayMs(): number {
    const delay = this.#faults.delayMs ?? 0;
    if (typeof delay === 'number') return delay;
    return delay[0] + this.#random() * Math.max(0, delay[1] - delay[0]);
  }
}
