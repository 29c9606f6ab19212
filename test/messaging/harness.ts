import { createMemoryBroker, createMemoryDriver, createMemoryStore } from '@waggle/adapter-memory';
import type { CloudEvent, NewMessage, Observation } from '@waggle/kernel';
import { declaredMessage, silentLogger } from '@waggle/kernel';
import { onTestFinished } from 'vitest';
import type { DriverSettings, MessagingOptions, OutboxMessage, Store } from '@waggle/messaging';
import {
  createMessaging,
  createUnitOfWork,
  encode,
  partitionOf,
  randomIds,
  virtualClock,
} from '@waggle/messaging';

export const GROUP = 'testing.listen';
export const TYPE = 'testing.thing-happened.v1';

export const driverSettings: DriverSettings = {
  namespace: 'test',
  lanes: 4,
  retention: { maxAgeMs: 86_400_000, maxBytes: 16_777_216 },
  maxMessageBytes: 10_000,
  requestTimeoutMs: 1_000,
  leaseMs: 30_000,
  logger: silentLogger,
};

let lastId = 0;

export function anEvent(partial: Partial<CloudEvent> = {}): CloudEvent {
  return { specversion: '1.0', id: `e${++lastId}`, source: '/test', type: TYPE, data: null, ...partial };
}

export function aNewEvent(data: unknown, key?: string): NewMessage<'event'> {
  return declaredMessage({ kind: 'event', type: TYPE, data, ...(key !== undefined && { key }) });
}

/** An event as the unit of work puts it into an outbox. */
export function waiting(message: CloudEvent): OutboxMessage {
  const { id, partitionkey: key } = message;
  const partition = partitionOf(key ?? id);
  return { kind: 'event', id, key, partition, body: Buffer.from(encode(message)).toString() };
}

/** What waits in an outbox, oldest first. */
export async function outboxOf(store: Pick<Store, 'outbox'>): Promise<readonly CloudEvent[]> {
  const { entries } = await store.outbox({ after: 0, limit: 1_000 });
  return entries.map(({ body }) => JSON.parse(body) as CloudEvent);
}

/** The portable layer over the broker in memory, with a clock that stands still until it is advanced. */
export async function openMessaging(more: Partial<MessagingOptions> = {}) {
  const clock = virtualClock(Date.parse('2026-11-23T09:00:00Z'));
  const observations: Observation[] = [];
  const broker = createMemoryBroker({ clock });
  const driver = createMemoryDriver(driverSettings, broker);
  const observer = (observation: Observation): void => void observations.push(observation);
  const messaging = createMessaging({
    driver,
    lanes: 4,
    maxMessageBytes: 10_000,
    clock,
    random: () => 0,
    observer,
    ...more,
  });
  await messaging.open();
  onTestFinished(() => messaging.close());
  return { messaging, driver, clock, broker, observations };
}

/** A unit of work of the service `testing` over a store in memory. */
export async function openUnitOfWork(more: Partial<MessagingOptions> = {}) {
  const opened = await openMessaging(more);
  const store = createMemoryStore();
  await store.open();
  const { clock, messaging } = opened;
  const unitOfWork = createUnitOfWork({
    store,
    publisher: messaging.publisher,
    service: 'testing',
    clock,
    ids: randomIds,
  });
  return { ...opened, store, unitOfWork };
}

/** Lets what is already due happen, without any time passing. */
export async function settle(clock: { advance(ms: number): Promise<void> }): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(0);
  }
}
