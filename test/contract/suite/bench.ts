import { randomBytes } from 'node:crypto';
import type { DeadLetter, Handler, Subscription } from '@waggle/kernel';
import { createMessaging } from '@waggle/messaging';
import type {
  BrokerDriver,
  ConsumeOptions,
  DriverSettings,
  Messaging,
  MessagingOptions,
} from '@waggle/messaging';
import { Collector, eventually, within } from './collector.ts';
import type { ContractHarness, SettingsOverrides } from './harness.ts';
import { EVENT_TYPE, GROUP } from './messages.ts';

/** Few, because each costs every group a queue on some brokers. */
export const LANES = 4;

/** One process, as far as a broker can see: a driver and the ports over it. */
export interface Member {
  readonly driver: BrokerDriver;
  readonly messaging: Messaging;
}

export interface MemberOptions {
  readonly settings?: Partial<DriverSettings>;
  readonly messaging?: Partial<MessagingOptions>;
  /** Where the driver comes from. @default the harness */
  readonly from?: { driver(settings: SettingsOverrides): BrokerDriver };
  /** Puts something between the driver and the ports. */
  readonly wrap?: (driver: BrokerDriver) => BrokerDriver;
}

/** A handling as a test remembers it. */
export interface Handled {
  readonly id: string;
  readonly attempt: number;
  readonly member: string;
}

/** Where one test works: a namespace of its own, members that are closed afterwards, and deadlines. */
export class Bench {
  readonly harness: ContractHarness;
  readonly namespace = `t${randomBytes(5).toString('hex')}`;
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  constructor(harness: ContractHarness) {
    this.harness = harness;
  }

  get deadlineMs(): number {
    return this.harness.limits.deadlineMs;
  }

  /** A driver of this namespace, not open. */
  driver(settings: Partial<DriverSettings> = {}, from: MemberOptions['from'] = this.harness): BrokerDriver {
    const driver = from.driver({ namespace: this.namespace, lanes: LANES, ...settings });
    this.atEnd(() => driver.close());
    return driver;
  }

  async openDriver(settings?: Partial<DriverSettings>): Promise<BrokerDriver> {
    const driver = this.driver(settings);
    await driver.open();
    return driver;
  }

  /** A member whose driver is not open. */
  member({ settings, messaging: options, from, wrap = same }: MemberOptions = {}): Member {
    const driver = wrap(this.driver(settings, from));
    const { maxMessageBytes } = settings ?? {};
    const messaging = createMessaging({
      lanes: LANES,
      ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
      ...options,
      driver,
    });
    this.atEnd(() => messaging.close());
    return { driver, messaging };
  }

  async open(options?: MemberOptions): Promise<Member> {
    const member = this.member(options);
    await member.messaging.open();
    return member;
  }

  /** Subscribes to the ordinary type with the ordinary group and small delays; tells `record` of every handling that starts. */
  async subscribe(
    { messaging }: Member,
    subscription: Partial<Subscription>,
    record: Collector<Handled>,
    handler: Handler = done,
    member = 'only',
  ) {
    return messaging.events.subscribe(
      { group: GROUP, types: [EVENT_TYPE], retry: QUICK, ...subscription },
      async (message, context) => {
        record.add({ id: message.id, attempt: context.attempt, member });
        await handler(message, context);
      },
    );
  }

  collector<Item>(): Collector<Item> {
    return new Collector(this.deadlineMs);
  }

  eventually<Value>(
    ask: () => Promise<Value>,
    condition: (value: Value) => boolean,
    what: string,
  ): Promise<Value> {
    return eventually(ask, condition, what, this.deadlineMs);
  }

  within<Value>(promise: Promise<Value>, what: string): Promise<Value> {
    return within(promise, this.deadlineMs, () => what);
  }

  /** The dead letters, as soon as there are `count`. */
  deadLetters({ messaging }: Member, count: number): Promise<readonly DeadLetter[]> {
    const list = () => messaging.deadLetters.list();
    return this.eventually(list, (found) => found.length >= count, `${count} dead letters`);
  }

  /** Resolves when the group, or queue, has settled everything: proof that nothing more comes. */
  settled(member: Member, source?: ConsumeOptions['source']): Promise<void> {
    return this.lagOf(member, 0, source);
  }

  /** Resolves when so many messages of the group, or queue, are not settled. */
  async lagOf({ driver }: Member, count: number, source: ConsumeOptions['source'] = FIRST): Promise<void> {
    const ask = () => driver.lag(source);
    await this.eventually(ask, (lag) => lag === count, `a lag of ${count}`);
  }

  /** Runs after the test, the last first. */
  atEnd(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup);
  }

  /** Closes everything and removes the namespace. Rejects with the first thing that did not work, after all were tried. */
  async clear(): Promise<void> {
    const { harness, namespace } = this;
    const failures: unknown[] = [];
    const attempt = (cleanup: () => Promise<unknown>) =>
      within(cleanup(), this.deadlineMs, () => 'the end of the clean-up').catch((error) =>
        failures.push(error),
      );
    while (this.#cleanups.length > 0) await attempt(this.#cleanups.pop() ?? (async () => undefined));
    await attempt(async () => harness.sweep?.(namespace));
    if (failures.length > 0) throw failures[0];
  }
}

/** Retries that do not keep a test waiting. */
export const QUICK = { initialDelayMs: 20, maxDelayMs: 40, jitter: 0 } as const;

const FIRST = { kind: 'group', group: GROUP } as const;
const same = (driver: BrokerDriver): BrokerDriver => driver;
const done = async (): Promise<void> => undefined;
