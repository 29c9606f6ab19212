import { SettleOnce } from '@waggle/messaging';
import type { Delivery, DriverConsumer, DriverSettings, Settlement } from '@waggle/messaging';
import type { MemoryGroup } from './memory-group.ts';
import type { Item } from './memory-line.ts';
import { handOut } from './stored-message.ts';

/** A driver, as the broker sees it: what stays with it from one connection to the next. */
export interface Client {
  readonly settings: DriverSettings;
  /** Its consumers. */
  readonly members: Set<Member>;
  /** The groups that it consumes, by resource: where each left off, should somebody delete it. */
  readonly places: Map<string, MemoryGroup>;
  /** Whether its process stands still. */
  frozen: boolean;
}

export interface MemberOptions {
  readonly client: Client;
  /** What it consumes. */
  readonly resource: string;
  readonly concurrency: number;
  readonly deliver: (delivery: Delivery) => void;
  readonly missed: (count: number) => void;
  /** The broker ended it, in an earlier turn of the event loop. */
  readonly ended: (reason: unknown) => void;
}

/** One attached consumer, as the broker sees it. */
export class Member implements DriverConsumer {
  readonly #group: MemoryGroup;
  readonly #options: MemberOptions;
  /** What was handed over and is not settled. */
  readonly #held = new Map<Delivery, Item>();
  /** How much of it counts against `concurrency`. */
  #taken = 0;
  #paused = false;
  /** Settlements of a frozen process: they arrive when it wakes. */
  #late: (() => void)[] | undefined;
  /** Ends the wait for the lease of a frozen process. */
  #stopLease = (): void => undefined;

  constructor(group: MemoryGroup, options: MemberOptions) {
    this.#group = group;
    this.#options = options;
    options.client.members.add(this);
    if (options.client.frozen) this.freeze();
  }

  /** Whether a message of a line can be handed over now. */
  hasRoom(serial: boolean): boolean {
    if (this.#paused || this.#late !== undefined) return false;
    return serial || this.#taken < this.#options.concurrency;
  }

  handOver(item: Item): void {
    item.attempts += 1;
    if (!item.line.serial) this.#taken += 1;
    const { stored, attempts } = item;
    const isOver = (): boolean => !this.#held.has(delivery);
    const settle = (how: Settlement): void => this.#settle(delivery, how);
    const delivery: Delivery = new SettleOnce(handOut(stored), stored.lane, attempts, settle, isOver);
    this.#held.set(delivery, item);
    this.#options.deliver(delivery);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#group.offerAll();
  }

  /** Tells how many messages were lost to its group; whether its process listens. */
  miss(count: number): boolean {
    if (this.#late !== undefined) return false;
    this.#options.missed(count);
    return true;
  }

  /** It leaves for good, and its driver need not know any more where it was. */
  async close(): Promise<void> {
    const { client, resource } = this.#options;
    this.leave(0);
    const others = [...client.members].some((other) => other.#options.resource === resource);
    if (!others) client.places.delete(resource);
  }

  /** What it held is handed over again, at once. Its group counts as in use for a lease, as it may come back. */
  leave(leaseMs = this.#options.client.settings.leaseMs): void {
    this.#group.remove(this, leaseMs);
    this.#stopLease();
    this.#takeBack();
    this.#options.client.members.delete(this);
  }

  /** The broker ends it. */
  end(reason: string): void {
    this.leave();
    setImmediate(() => this.#options.ended(reason));
  }

  /** The process stands still: it takes nothing, says nothing, and its lease runs out. */
  freeze(): void {
    if (this.#late !== undefined) return;
    this.#late = [];
    const { leaseMs } = this.#options.client.settings;
    this.#stopLease = this.#group.services.clock.after(leaseMs, () => this.#takeBack());
  }

  /** The process goes on; what it settled meanwhile arrives, and has no effect if its lease was over. */
  thaw(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    this.#stopLease();
    for (const settle of late) settle();
    this.#group.offerAll();
  }

  #settle(delivery: Delivery, how: Settlement): void {
    if (this.#late !== undefined) return void this.#late.push(() => this.#settle(delivery, how));
    const item = this.#held.get(delivery);
    if (item === undefined) return; // no longer this member's
    this.#held.delete(delivery);
    if (!item.line.serial) this.#taken -= 1;
    this.#group.settle(item, how);
  }

  #takeBack(): void {
    const items = [...this.#held.values()];
    this.#held.clear();
    this.#taken = 0;
    for (const item of items) this.#group.settle(item, { kind: 'retry', delayMs: 0 });
  }
}
