import { silentLogger } from '@waggle/kernel';
import {
  virtualClock,
  type ConsumeOptions,
  type Delivery,
  type DriverSettings,
  type OutgoingMessage,
} from '@waggle/messaging';
import { createMemoryBroker, createMemoryDriver, type MemoryDriver } from '../src/index.ts';

export const settings: DriverSettings = {
  namespace: 'test',
  lanes: 4,
  retention: { maxAgeMs: 60_000, maxBytes: 1_000_000 },
  maxMessageBytes: 1_000,
  requestTimeoutMs: 5_000,
  leaseMs: 30_000,
  logger: silentLogger,
};

export const group: ConsumeOptions['source'] = { kind: 'group', group: 'shipping.plan' };

/** A broker on a virtual clock, with one open driver and one group from the beginning. */
export async function opened(ordering: 'by-key' | 'none' = 'by-key', changes: Partial<DriverSettings> = {}) {
  const clock = virtualClock(1_000);
  const broker = createMemoryBroker({ clock });
  const another = async (more: Partial<DriverSettings> = {}): Promise<MemoryDriver> => {
    const driver = createMemoryDriver({ ...settings, ...changes, ...more }, broker);
    await driver.open();
    return driver;
  };
  const driver = await another();
  await driver.declare({ groups: [{ group: 'shipping.plan', types: ['*'], from: 'beginning', ordering }] });
  const consume = (deliver: (delivery: Delivery) => void, by = driver, concurrency = 4) =>
    by.consume({ source: group, ordering, concurrency }, deliver);
  return { clock, broker, driver, another, consume };
}

export function message(id: string, changes: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    to: { kind: 'stream' },
    lane: 0,
    type: 'parcels.parcel-posted.v1',
    id,
    contentType: 'text/plain',
    headers: {},
    body: new TextEncoder().encode(id),
    ...changes,
  };
}

export function messages(count: number, changes: Partial<OutgoingMessage> = {}): OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => message(`m${index + 1}`, changes));
}

/** Lets everything happen that needs no time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a consumer was handed, as `id#attempt`. */
export function recorder(settle: (delivery: Delivery, count: number) => void = () => undefined) {
  const seen: string[] = [];
  const deliveries: Delivery[] = [];
  return {
    seen,
    deliveries,
    deliver(delivery: Delivery): void {
      seen.push(`${delivery.message.id}#${delivery.attempt}`);
      deliveries.push(delivery);
      settle(delivery, seen.length);
    },
  };
}

/** What a promise fails with; takes hold of the failure at once, however late it is looked at. */
export function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
}
