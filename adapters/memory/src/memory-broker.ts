import { checkName, MessagingError, type Clock, type Random } from '@waggle/kernel';
import { systemClock, type DriverSettings } from '@waggle/messaging';
import { createPermissions, type Access, type Operation } from './access.ts';
import { FaultDice, type Faults } from './faults.ts';
import { MemoryNamespace } from './memory-namespace.ts';
import { createSession, type Session } from './memory-session.ts';
import { createPace, type Pace } from './pace.ts';
import { seededRandom } from './seeded-random.ts';

export interface MemoryBrokerOptions {
  /** @default the system's clock */
  readonly clock?: Clock;
  /** Of everything that happens by chance. @default 1 */
  readonly seed?: number;
  /** @default nothing goes wrong */
  readonly faults?: Faults;
}

/** How a driver connects; not for anybody else. */
export interface BrokerEnd {
  readonly clock: Clock;
  readonly pace: Pace;
  /** @throws MessagingError `unavailable`, `denied`, `conflict`, `invalid` */
  connect(settings: DriverSettings, lost: () => void): Session;
  disconnect(session: Session): void;
  /** Calls back, in a later turn, once the broker can be reached; returns what stops that. */
  whenReachable(action: () => void): () => void;
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
  /** For drivers. */
  readonly end: BrokerEnd;
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
  const random: Random = seededRandom(seed);
  const dice = new FaultDice(random, faults);
  const permissions = createPermissions();
  const pace = createPace();
  const namespaces = new Map<string, MemoryNamespace>();
  const sessions = new Map<Session, () => void>();
  const waiting = new Set<() => void>();
  let up = true;

  const refuseUnless = (ok: boolean, name: string, got: unknown, wanted: string): void => {
    if (!ok) throw new MessagingError('invalid', `[memory] ${name} is ${String(got)}: give ${wanted}`);
  };
  const checkSettings = ({ namespace, lanes, retention, ...limits }: DriverSettings): void => {
    checkName('namespace', namespace);
    refuseUnless(Number.isInteger(lanes) && lanes > 0, 'lanes', lanes, 'a whole number from 1');
    const { maxAgeMs, maxBytes } = retention;
    const { maxMessageBytes, requestTimeoutMs, leaseMs } = limits;
    const numbers = { maxAgeMs, maxBytes, maxMessageBytes, requestTimeoutMs, leaseMs };
    for (const [name, value] of Object.entries(numbers)) refuseUnless(value > 0, name, value, 'more than 0');
  };
  const namespaceOf = (settings: DriverSettings): MemoryNamespace => {
    const existing = namespaces.get(settings.namespace);
    existing?.compare(settings);
    if (existing !== undefined) return existing;
    const services = { clock, pace, dice, logger: settings.logger };
    const created = new MemoryNamespace(settings, services);
    namespaces.set(settings.namespace, created);
    return created;
  };
  const reachable = (): void => {
    setImmediate(() => {
      if (!up) return;
      const actions = [...waiting];
      waiting.clear();
      for (const action of actions) action();
    });
  };
  const dropConnections = (namespace?: string): void => {
    const cut = [...sessions].filter(
      ([session]) => namespace === undefined || session.namespace === namespace,
    );
    for (const [session] of cut) {
      sessions.delete(session);
      session.cut();
    }
    for (const [, lost] of cut) lost();
  };
  const stop = (): void => {
    up = false;
    dropConnections();
  };
  const start = (): void => {
    up = true;
    reachable();
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
      for (const session of sessions.keys()) {
        if (namespace === undefined || session.namespace === namespace) session.closeChannels();
      }
    },
    deleteConsumer(group, namespace) {
      for (const [name, held] of namespaces) {
        if (namespace === undefined || name === namespace) held.deleteGroup(group);
      }
    },
    deny: (operation, matches) => permissions.deny(operation, matches),
    inject: (next) => dice.change(next),
    end: {
      clock,
      pace,
      connect(settings, lost) {
        checkSettings(settings);
        if (!up) throw new MessagingError('unavailable', '[memory] the broker is stopped: start() it');
        const { namespace } = settings;
        const refusal = permissions.refusal({ operation: 'open', namespace, resource: namespace });
        if (refusal !== undefined) throw refusal;
        const session = createSession(settings, namespaceOf(settings), { permissions, dice });
        sessions.set(session, lost);
        return session;
      },
      disconnect(session) {
        sessions.delete(session);
        session.leave();
      },
      whenReachable(action) {
        waiting.add(action);
        if (up) reachable();
        return () => waiting.delete(action);
      },
    },
  };
}
