import { MessagingError } from '@waggle/kernel';
import type {
  ConsumeOptions,
  Destination,
  DriverSettings,
  LogKind,
  OutgoingMessage,
  Topology,
  TopologyResource,
} from '@waggle/messaging';
import { MemoryGroup, type BrokerServices } from './memory-group.ts';
import { MemoryLog } from './memory-log.ts';
import { store, type StoredMessage } from './stored-message.ts';

const ADVICE = 'use the same settings everywhere, or another name';

/** `group a.b`, `queue depot`, `stream`, `dead-letters`: how a resource is found, and named in errors and permissions. */
export function resourceOf(of: Destination): string {
  if (of.kind === 'group') return `group ${of.group}`;
  return of.kind === 'queue' ? `queue ${of.context}` : of.kind;
}

/** Everything that the broker holds for one namespace. */
export class MemoryNamespace {
  readonly logs: Readonly<Record<LogKind, MemoryLog>>;
  readonly #settings: Pick<DriverSettings, 'namespace' | 'lanes' | 'retention'>;
  readonly #services: BrokerServices;
  /** The groups and the queues, by resource. */
  readonly #groups = new Map<string, MemoryGroup>();

  constructor({ namespace, lanes, retention }: DriverSettings, services: BrokerServices) {
    const { clock } = services;
    this.#settings = { namespace, lanes, retention: { ...retention } };
    this.#services = services;
    const discarded = (message: StoredMessage): void => {
      for (const group of this.#groups.values()) group.discard(message);
    };
    this.logs = {
      stream: new MemoryLog({ name: 'the stream', retention, clock, discarded }),
      'dead-letters': new MemoryLog({ name: 'the dead letters', retention, clock }),
    };
  }

  /** @throws MessagingError `conflict` for settings that differ from those the namespace was created with */
  compare({ lanes, retention }: DriverSettings): void {
    const own = this.#settings;
    const pairs = [
      ['lanes', own.lanes, lanes],
      ['retention.maxAgeMs', own.retention.maxAgeMs, retention.maxAgeMs],
      ['retention.maxBytes', own.retention.maxBytes, retention.maxBytes],
    ] as const;
    for (const [what, has, wants] of pairs) {
      if (has !== wants) throw differs(`the stream of namespace "${own.namespace}"`, what, has, wants);
    }
  }

  /**
   * Removes what must not exist and creates what does not exist yet: all of it, or after an error nothing.
   * @param places groups as the driver knew them: one that is gone is created again where it left off
   * @throws MessagingError `conflict`, `out-of-range`, `invalid`
   */
  declare({ queues, groups, absent }: Required<Topology>, places: ReadonlyMap<string, MemoryGroup>): void {
    const gone = new Set(absent.map(resourceOf));
    for (const resource of gone) if (this.#groups.get(resource)?.isInUse === true) throw inUse(resource);
    const declared = groups.map(({ group: name, types, from, ordering }) => {
      const resource = resourceOf({ kind: 'group', group: name });
      const known = gone.has(resource) ? undefined : (this.#groups.get(resource) ?? places.get(resource));
      if (known !== undefined) demandOrdering(known, resource, ordering);
      const group = known ?? this.#create(ordering, this.logs.stream.startOf(from));
      return { resource, types, group };
    });
    for (const resource of gone) this.#groups.delete(resource);
    for (const context of queues) {
      const resource = resourceOf({ kind: 'queue', context });
      if (!this.#groups.has(resource)) this.#groups.set(resource, this.#create('by-key'));
    }
    for (const { resource, types, group: planned } of declared) {
      const group = this.#groups.get(resource) ?? planned;
      this.#groups.set(resource, group);
      group.want(types);
      this.#catchUp(group);
    }
  }

  /** Checks that all of it exists as asked for. @throws MessagingError `unroutable`, `conflict` */
  bind({ queues, groups }: Required<Topology>): void {
    for (const context of queues) this.#existing({ kind: 'queue', context });
    for (const { group: name, types, ordering } of groups) {
      const source = { kind: 'group', group: name } as const;
      const group = this.#existing(source);
      demandOrdering(group, resourceOf(source), ordering);
      const lacking = types.filter((type) => !group.wants(type));
      if (lacking.length > 0) throw differs(resourceOf(source), 'types', group.types, types.join(' '));
    }
  }

  /** Stores a message, without a check of its contents. @throws MessagingError `unroutable` */
  store(message: OutgoingMessage): void {
    const { to } = message;
    const { stream } = this.logs;
    const nowMs = this.#services.clock.now();
    if (to.kind === 'queue' || to.kind === 'group') {
      return this.find(to).addOwn(store(message, stream.head, nowMs));
    }
    const log = this.logs[to.kind];
    const stored = store(message, log.head + 1, nowMs);
    log.append(stored);
    if (log === stream) for (const group of this.#groups.values()) group.offer(stored);
    log.trim();
  }

  /** @throws MessagingError `unroutable`, `conflict` */
  find(source: ConsumeOptions['source'], ordering?: 'by-key' | 'none'): MemoryGroup {
    const found = this.#existing(source);
    if (ordering !== undefined) demandOrdering(found, resourceOf(source), ordering);
    return found;
  }

  /** How much of a group or queue is not settled, without what is kept no longer. */
  lag(source: ConsumeOptions['source']): number {
    this.logs.stream.trim();
    return this.find(source).unsettled;
  }

  /** Forgets a group as an administrator would; its members lose their attachment. */
  deleteGroup(name: string): void {
    const resource = resourceOf({ kind: 'group', group: name });
    const group = this.#groups.get(resource);
    this.#groups.delete(resource);
    for (const member of group?.members ?? []) member.end(`${resource} was deleted`);
  }

  describe(): readonly TopologyResource[] {
    const { namespace, lanes, retention } = this.#settings;
    const logs = Object.entries(this.logs).map(([kind, log]) => {
      log.trim();
      const details = { lanes, ...retention, messages: log.size, bytes: log.bytes };
      return { kind, name: namespace, details };
    });
    const groups = [...this.#groups].map(([resource, { details, consumption }]) => {
      const [kind, name = ''] = resource.split(' ');
      const source: ConsumeOptions['source'] =
        kind === 'group' ? { kind, group: name } : { kind: 'queue', context: name };
      return { kind: source.kind, name, details, consumption: { source, ...consumption } };
    });
    return [...logs, ...groups];
  }

  /** @param start the first message of the stream that may be for it @default none of those that are there */
  #create(ordering: 'by-key' | 'none', start = this.logs.stream.head + 1): MemoryGroup {
    const { lanes } = this.#settings;
    const trim = (): void => this.logs.stream.trim();
    return new MemoryGroup({ ordering, lanes, position: start - 1, trim }, this.#services);
  }

  /** @throws MessagingError `unroutable` */
  #existing(source: ConsumeOptions['source']): MemoryGroup {
    const found = this.#groups.get(resourceOf(source));
    if (found !== undefined) return found;
    throw missing(`${resourceOf(source)} in namespace "${this.#settings.namespace}"`);
  }

  #catchUp(group: MemoryGroup): void {
    const { stream } = this.logs;
    stream.trim();
    group.skipTo(stream.first);
    for (let next = group.position + 1; next <= stream.head; next++) {
      const stored = stream.at(next);
      if (stored !== undefined) group.offer(stored);
    }
  }
}

export function missing(what: string): MessagingError {
  return new MessagingError('unroutable', `[memory] ${what} was never declared: declare it first`);
}

function inUse(resource: string): MessagingError {
  const advice = 'stop its consumers first; one that vanished counts for as long as its lease';
  return new MessagingError('conflict', `[memory] ${resource} is in use: ${advice}`);
}

/** @throws MessagingError `conflict` */
function demandOrdering(group: MemoryGroup, resource: string, ordering: 'by-key' | 'none'): void {
  if (group.ordering !== ordering) throw differs(resource, 'ordering', group.ordering, ordering);
}

function differs(resource: string, what: string, has: unknown, wants: unknown): MessagingError {
  const difference = `${resource} exists with ${what} "${String(has)}", and this process asks for "${String(wants)}"`;
  return new MessagingError('conflict', `[memory] ${difference}: ${ADVICE}`);
}
