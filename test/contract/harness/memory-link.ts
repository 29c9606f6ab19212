import { setImmediate as turn } from 'node:timers/promises';
import { MessagingError } from '@waggle/kernel';
import type { MemoryBroker, MemoryDriver } from '@waggle/adapter-memory';
import type { BrokerConnection, Connector, Delivery } from '@waggle/messaging';
import type { Link } from '../suite/index.ts';

type Client = Parameters<MemoryBroker['connector']>[0];

/** The part of a link that makes no drivers. */
export interface MemoryLink extends Omit<Link, 'driver'> {
  /** The broker as it is seen through this link. */
  readonly broker: MemoryBroker;
  /** Stands still when the link is stalled. */
  add(driver: MemoryDriver): void;
}

/** A way of its own to a broker that others use as well: what happens to it, happens to its connections alone. */
export function openMemoryLink(broker: MemoryBroker): MemoryLink {
  const connections = new Map<BrokerConnection, (reason: unknown) => void>();
  const waiting = new Set<() => void>();
  const drivers = new Set<MemoryDriver>();
  const clients = new Set<Client>();
  let isCut = false;
  let received = 0;

  function dropConnections(): void {
    for (const [connection, lost] of connections) {
      connections.delete(connection);
      void connection.close();
      lost(new MessagingError('unavailable', 'the link was cut'));
    }
  }

  async function restore(): Promise<void> {
    isCut = false;
    await turn();
    for (const action of waiting) {
      waiting.delete(action);
      action();
    }
  }

  const counting = (deliver: (delivery: Delivery) => void) => (delivery: Delivery) => {
    received += delivery.message.body.byteLength;
    deliver(delivery);
  };

  function through(connector: Connector): Connector {
    return {
      ...connector,
      async connect(lost, unblocked) {
        if (isCut) throw new MessagingError('unavailable', 'the link is cut');
        const connection = await connector.connect(lost, unblocked);
        connections.set(connection, lost);
        return {
          ...connection,
          consume: (options, deliver, attaching) => connection.consume(options, counting(deliver), attaching),
        };
      },
      whenReachable(action) {
        if (!isCut) return connector.whenReachable?.(action) ?? (() => undefined);
        waiting.add(action);
        return () => waiting.delete(action);
      },
    };
  }

  return {
    broker: {
      ...broker,
      connector(client) {
        clients.add(client);
        return through(broker.connector(client));
      },
    },
    add: (driver) => void drivers.add(driver),
    async cut() {
      isCut = true;
      dropConnections();
    },
    restore,
    stall: () => drivers.forEach((driver) => driver.freeze()),
    resume: () => drivers.forEach((driver) => driver.thaw()),
    dropConnections,
    async closeChannels() {
      for (const { members } of clients) for (const member of members) member.end('its channel was closed');
    },
    deleteConsumer: async (namespace, group) => broker.deleteConsumer(group, namespace),
    async consumers(_namespace, group) {
      const resources = (await [...drivers].at(-1)?.describe()) ?? [];
      const found = resources.find(({ kind, name }) => kind === 'group' && name === group);
      return Number(found?.details['members']);
    },
    received: () => received,
    attempted: () => turn(), // opening tries within the call, and knows the outcome within the turn
    close: restore,
  };
}
