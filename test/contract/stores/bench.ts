import { randomUUID } from 'node:crypto';
import type { Clock, EventStore, ReadAllOptions, StoredEvent, Upcasters } from '@waggle/kernel';
import { declaredMessage, silentLogger } from '@waggle/kernel';
import type { InboxUnitOfWork, Publishing, Relay, RelayOptions, Store } from '@waggle/messaging';
import {
  createEventStore,
  createRelay,
  createUnitOfWork,
  encode,
  randomIds,
  systemClock,
  virtualClock,
} from '@waggle/messaging';
import { eventually, within } from '../suite/collector.ts';
import type { StoreHarness } from './harness.ts';

export const TYPE = 'testing.thing-happened.v1';

export interface Service {
  readonly store: Store;
  readonly events: EventStore;
  readonly unitOfWork: InboxUnitOfWork;
}

/** Somebody who reads all events, those to come as well. */
export interface Following {
  readonly seen: readonly StoredEvent[];
  /** Resolves when there are so many. */
  until(count: number): Promise<void>;
  /** Nothing comes after it. */
  end(): Promise<void>;
}

/** What one test has of a store: a namespace of its own, and everything that it opened is closed at the end. */
export class StoreBench {
  readonly namespace = `test-${randomUUID().slice(0, 18)}`;
  readonly #harness: StoreHarness;
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  constructor(harness: StoreHarness) {
    this.#harness = harness;
  }

  get deadlineMs(): number {
    return this.#harness.deadlineMs;
  }

  /** Why it has one writer at a time; `undefined` where it has not. */
  get oneWriter(): string | undefined {
    return this.#harness.declares['one-writer'];
  }

  /** A store over the data of this test; another one stands for another process. */
  async open(): Promise<Store> {
    const store = this.closed();
    await store.open();
    return store;
  }

  /** The same, not open yet. */
  closed(): Store {
    const store = this.#harness.store(this.namespace);
    this.defer(() => store.close());
    return store;
  }

  async openWriter() {
    const { openWriter } = this.#harness;
    if (openWriter === undefined) throw new Error('the harness has no openWriter and declares no one-writer');
    const writer = await openWriter(this.namespace);
    this.defer(() => writer.rollback());
    return writer;
  }

  /** The ports over a store, as a service has them. */
  service(
    store: Store,
    name = 'testing',
    { clock = systemClock, upcasters }: { readonly clock?: Clock; readonly upcasters?: Upcasters } = {},
  ): Service {
    const publisher = { encode: ({ message }: Publishing) => Buffer.from(encode(message)).toString() };
    const options = { store, publisher, service: name, clock, ids: randomIds, upcasters, pollMs: 200 };
    return { store, events: createEventStore(options), unitOfWork: createUnitOfWork(options) };
  }

  async openService(name?: string, options?: Parameters<StoreBench['service']>[2]): Promise<Service> {
    return this.service(await this.open(), name, options);
  }

  /** A relay that publishes to whatever `publish` is; it runs until the end of the test. */
  relay(
    store: Store,
    publish: Publish,
    {
      clock = systemClock,
      leaseMs = 2_000,
      pollMs = 200,
    }: Partial<Pick<RelayOptions, 'clock' | 'leaseMs' | 'pollMs'>> = {},
  ): Relay {
    const publisher = { encode: () => '', publish };
    const relay = createRelay({ store, publisher, clock, logger: silentLogger, leaseMs, pollMs });
    this.defer(() => relay.stop(0).catch(() => undefined)); // of a store that is closed it cannot tell what is left
    relay.start();
    return relay;
  }

  /** Reads everything from the beginning and goes on, until it is ended or the test is. */
  follow(events: EventStore, options: ReadAllOptions = {}): Following {
    const stop = new AbortController();
    const seen: StoredEvent[] = [];
    const reading = (async () => {
      for await (const batch of events.readAll({ ...options, follow: true, signal: stop.signal }))
        seen.push(...batch.events);
    })();
    reading.catch(() => undefined); // of a test that has failed already; the others hear of it at the end
    const end = (): Promise<void> => {
      stop.abort();
      return this.within(reading, 'the end of a reading that was aborted');
    };
    this.defer(async () => stop.abort());
    return {
      seen,
      end,
      until: (count) =>
        Promise.race([this.until(() => seen.length >= count, `${count} events at the reader`), reading]),
    };
  }

  virtualClock = virtualClock;

  defer(cleanup: () => Promise<unknown>): void {
    this.#cleanups.unshift(cleanup);
  }

  /** The promise, or an error that says what did not come. */
  within<T>(promise: Promise<T>, what: string): Promise<T> {
    return within(promise, this.deadlineMs, () => what);
  }

  /** Asks again and again until it is so. */
  async until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
    await eventually(async () => isSo(), Boolean, what, this.deadlineMs);
  }

  async clear(): Promise<void> {
    const failures: unknown[] = [];
    for (const cleanup of this.#cleanups.splice(0))
      await cleanup().catch((error: unknown) => failures.push(error));
    await this.#harness.sweep(this.namespace);
    if (failures.length > 0) throw failures[0];
  }
}

export type Publish = Parameters<typeof createRelay>[0]['publisher']['publish'];

/** What became of messages: confirms all, and remembers the data in the order in which they came. */
export function recordingPublisher() {
  const came: { readonly key: string | undefined; readonly data: unknown; readonly id: string }[] = [];
  const publish: Publish = async (batch) => {
    for (const { message } of batch)
      came.push({ key: message.partitionkey, data: message.data, id: message.id });
    return batch.map(() => undefined);
  };
  return { came, publish };
}

export function aNewEvent(data: unknown, key?: string) {
  return declaredMessage({ kind: 'event', type: TYPE, data, ...(key !== undefined && { key }) });
}

/** Events to append, numbered in their data. */
export function numbered(
  count: number,
  from = 1,
): readonly { readonly type: string; readonly data: unknown }[] {
  return Array.from({ length: count }, (_, index) => ({ type: 'counted', data: { n: from + index } }));
}
