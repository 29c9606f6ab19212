import type { CloudEvent } from '@waggle/kernel';
import { silentLogger } from '@waggle/kernel';
import type { BrokerDriver, DriverSettings, Messaging } from '@waggle/messaging';
import { createMessaging } from '@waggle/messaging';
import type { Contest, Counts, Promised } from './contest.ts';
import { GROUP } from './load.ts';

/** What many would write with the broker's own client and its documentation, on the topology that ours has made. */
export interface UsualClient {
  /** Resolves once it is confirmed. */
  publish(event: CloudEvent): Promise<unknown>;
  /** Takes from the group, without order or one lane one by one; decodes, and acknowledges each. Ends with `close`. */
  consume(handle: (event: CloudEvent) => void, lane?: number): Promise<void>;
  close(): Promise<void>;
}

export interface Rig {
  readonly messaging: Messaging;
  readonly usual: UsualClient;
  /** Leaves nothing on the server. */
  close(): Promise<void>;
}

/** A broker to measure on. */
export interface Place {
  readonly name: string;
  /** What it is, with its version. */
  readonly server: string;
  readonly promised: Promised;
  /** A driver and a client on a namespace of their own. */
  connect(settings: DriverSettings): Promise<{ readonly driver: BrokerDriver; readonly usual: UsualClient }>;
  sweep(namespace: string): Promise<void>;
  /** What is measured on this broker alone, after all else. @default nothing */
  further?(counts: Counts): readonly Contest[];
  close(): Promise<void>;
}

export const LANES = 16;
let rigs = 0;

export function benchSettings(namespace: string): DriverSettings {
  return {
    namespace,
    lanes: LANES,
    retention: { maxAgeMs: 3_600_000, maxBytes: 512 * 1_048_576 },
    maxMessageBytes: 1_048_576,
    requestTimeoutMs: 30_000,
    leaseMs: 30_000,
    logger: silentLogger,
  };
}

/** A namespace of its own, with a group that has been there from the beginning. */
export async function setUp(place: Place, ordering: 'by-key' | 'none' = 'none'): Promise<Rig> {
  const namespace = `bench-${process.pid}-${++rigs}`;
  const { driver, usual } = await place.connect(benchSettings(namespace));
  const messaging = createMessaging({ driver, lanes: LANES });
  await messaging.open();
  await driver.declare({ groups: [{ group: GROUP, types: ['*'], from: 'new', ordering }] });
  return {
    messaging,
    usual,
    async close() {
      await usual.close();
      await messaging.close();
      await place.sweep(namespace);
    },
  };
}
