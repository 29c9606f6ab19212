import { messageOf, MessagingError, type Clock } from '@waggle/kernel';
import { seededRandom, systemClock, type Connector } from '@waggle/messaging';
import { demand, type Access, type Denials, type Operation } from './access.ts';
import { FaultDice, type Faults } from './faults.ts';
import { createConnection, type MemoryConnection } from './memory-connection.ts';
import type { Client } from './memory-member.ts';
import { MemoryNamespace, missing } from './memory-namespace.ts';
import { createPace } from './pace.ts';

export interface MemoryBrokerOptions {
  /** @default the system's clock */
  readonly clock?: Clock;
  /** Of everything that happens by chance. @default 1 */
  readonly seed?: number;
  /** @default nothing goes wrong */
  readonly faults?: Faults;
}

/**
 * A broker in this process: what a server is to the other adapters. Several drivers, as replicas, share one; what it holds
 * outlives them. The methods are what tests do to it.
 */
export interface MemoryBroker {
  /** Stops and starts: every connection is cut, unsettled deliveries come again, drivers reconnect by themselves. */
  restart(): void;
  /** The outage begins: connections are cut, and new ones refused until `start`. What is stored stays. */
  stop(): void;
  /** The outage is over. */
  start(): void;
  /** Cuts every connection, of one namespace or of all; the broker stays up. */
  dropConnections(namespace?: string): void;
  /** Ends every consumer but no connection, in one namespace or in all; drivers attach again by themselves. */
  closeChannels(namespace?: string): void;
  /**
   * Deletes a consumer group behind the back of its drivers, in one namespace or in all. Those that consume it create it
   * again where it left off.
   */
  deleteConsumer(group: string, namespace?: string): void;
  /** Refuses `operation`, all of it or where `matches` says so; returns what allows it again. */
  deny(operation: Operation, matches?: (access: Access) => boolean): () => void;
  /** Replaces the faults; `{}` ends them. @throws MessagingError `invalid` */
  inject(faults: Faults): void;
  /** How a driver connects; not for anybody else. */
  connector(client: Client): Connector;
}

const KNOWN: ReadonlySet<string> = new Set(['clock', 'seed', 'faults']);

/** @throws MessagingError `invalid` */
export function createMemoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) {
      throw new MessagingError('invalid', `[memory] unknown option "${name}": use ${[...KNOWN].join(', ')}`);
    }
  }
  const { clock = systemClock, seed = 1, faults = {} } = options;
  const random = seededRandom(seed);
  const dice = new FaultDice(random, faults);
  const denials: Denials = new Set();
  const services = { clock, soon: createPace(), dice, denials };
  const namespaces = new Map<string, MemoryNamespace>();
  const connections = new Map<MemoryConnection, (reason: unknown) => void>();
  const waiting = new Set<() => void>();
  let up = true;

  const connect = (client: Client, lost: (reason: unknown) => void): MemoryConnection => {
    if (!up) throw new MessagingError('unavailable', '[memory] the broker is stopped: start() it');
    const { namespace: name, topology } = client.settings;
    demand(denials, { operation: 'open', namespace: name, resource: name });
    const existing = namespaces.get(name);
    if (existing === undefined && topology === 'bind') throw missing(`the stream of namespace "${name}"`);
    if (existing === undefined)
      demand(denials, { operation: 'declare', namespace: name, resource: 'stream' });
    const namespace = existing ?? new MemoryNamespace(client.settings, services);
    namespace.compare(client.settings);
    namespaces.set(name, namespace);
    const connection = createConnection(client, namespace, services, () => connections.delete(connection));
    connections.set(connection, lost);
    return connection;
  };
  const wakeWaiting = (): void => {
    setImmediate(() => {
      if (!up) return;
      for (const action of waiting) {
        waiting.delete(action);
        action();
      }
    });
  };
  const connectionsOf = (namespace: string | undefined) =>
    [...connections].filter(
      ([{ client }]) => namespace === undefined || client.settings.namespace === namespace,
    );
  const dropConnections = (namespace?: string): void => {
    for (const [connection, lost] of connectionsOf(namespace)) {
      connections.delete(connection);
      connection.cut();
      lost(new MessagingError('unavailable', '[memory] the broker cut the connection'));
    }
  };
  const stop = (): void => {
    up = false;
    dropConnections();
  };
  const start = (): void => {
    up = true;
    wakeWaiting();
  };

  return {
    stop,
    start,
    restart() {
      stop();
      start();
    },
    dropConnections,
    closeChannels(namespace) {
      for (const [{ client }] of connectionsOf(namespace)) {
        for (const member of client.members) member.end('the broker closed its channel');
      }
    },
    deleteConsumer(group, namespace) {
      for (const [name, held] of namespaces) {
        if (namespace === undefined || name === namespace) held.deleteGroup(group);
      }
    },
    deny(operation, matches = () => true) {
      const denies = (access: Access): boolean => access.operation === operation && matches(access);
      denials.add(denies);
      return () => void denials.delete(denies);
    },
    inject: (next) => dice.change(next),
    connector: (client) => ({
      name: 'memory',
      clock,
      random,
      connect: async (lost) => connect(client, lost),
      whenReachable(action) {
        waiting.add(action);
        if (up) wakeWaiting();
        return () => waiting.delete(action);
      },
      translate: (error, what) =>
        error instanceof MessagingError
          ? error
          : new MessagingError('invalid', `[memory] ${what}: ${messageOf(error)}`, { cause: error }),
    }),
  };
}
