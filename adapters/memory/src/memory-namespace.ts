import { checkGroup, checkName, checkTypePattern, matchesType, MessagingError } from '@waggle/kernel';
import type {
  ConsumeOptions,
  DriverSettings,
  GroupDeclaration,
  OutgoingMessage,
  Topology,
  TopologyResource,
} from '@waggle/messaging';
import { MemoryGroup, type GroupServices } from './memory-group.ts';
import { MemoryLog } from './memory-log.ts';
import { store, type StoredMessage } from './stored-message.ts';

/** How many answers a group remembers: a flood of made-up types must not fill the memory. */
const MOST_TYPES = 10_000;

/** A consumer group of the stream: its delivery, and what it asked for. */
export interface NamedGroup {
  readonly name: string;
  readonly delivery: MemoryGroup;
  readonly types: Set<string>;
  /** Whether a type is one of `types`; asked once a type. */
  readonly wanted: Map<string, boolean>;
  /** The last message of the stream that was offered to this group. */
  position: number;
}

/** `group a.b`, `queue payments`, `stream`, `dead-letters`: how errors and permissions name a resource. */
export function resourceOf(of: OutgoingMessage['to']): string {
  if (of.kind === 'group') return `group ${of.group}`;
  return of.kind === 'queue' ? `queue ${of.context}` : of.kind;
}

/** Everything that the broker holds for one namespace. */
export class MemoryNamespace {
  readonly stream: MemoryLog;
  readonly deadLetters: MemoryLog;
  readonly #settings: Pick<DriverSettings, 'namespace' | 'lanes' | 'retention'>;
  readonly #services: GroupServices;
  readonly #groups = new Map<string, NamedGroup>();
  readonly #queues = new Map<string, MemoryGroup>();

  constructor(settings: DriverSettings, services: GroupServices) {
    const { namespace, lanes, retention } = settings;
    this.#settings = { namespace, lanes, retention: { ...retention } };
    this.#services = services;
    this.stream = new MemoryLog('the stream', retention, services.clock, (message) => {
      for (const group of this.#groups.values()) group.delivery.discard(message);
    });
    this.deadLetters = new MemoryLog('the dead letters', retention, services.clock);
  }

  /** @throws MessagingError `conflict` for settings that differ from those the namespace was created with */
  compare(asked: DriverSettings): void {
    const own = this.#settings;
    const pairs = [
      ['lanes', own.lanes, asked.lanes],
      ['retention.maxAgeMs', own.retention.maxAgeMs, asked.retention.maxAgeMs],
      ['retention.maxBytes', own.retention.maxBytes, asked.retention.maxBytes],
    ] as const;
    for (const [what, has, wants] of pairs) {
      if (has === wants) continue;
      throw new MessagingError(
        'conflict',
        `[memory] the stream of namespace "${own.namespace}" has ${what} ${has}, not ${wants}: use the same settings everywhere, or another namespace`,
      );
    }
  }

  /** Creates what does not exist yet: all of it, or after an error nothing. @throws MessagingError */
  declare({ queues = [], groups = [] }: Topology): void {
    for (const context of queues) checkName('queue', context);
    const starts = groups.map((declaration) => this.#checkDeclaration(declaration));
    for (const context of queues) {
      if (this.#queues.has(context)) continue;
      this.#queues.set(context, new MemoryGroup('by-key', this.#settings.lanes, this.#services));
    }
    for (const [index, declaration] of groups.entries()) this.#declareGroup(declaration, starts[index] ?? 0);
  }

  /** Stores a message, without a check of its contents. @returns `unroutable`, or nothing */
  publish(message: OutgoingMessage): MessagingError | undefined {
    const { to } = message;
    const nowMs = this.#services.clock.now();
    if (to.kind === 'stream') {
      const stored = store(message, this.stream.head + 1, nowMs);
      this.stream.append(stored);
      for (const group of this.#groups.values()) offer(group, stored);
      this.stream.trim();
      return undefined;
    }
    if (to.kind === 'dead-letters') {
      this.deadLetters.append(store(message, this.deadLetters.head + 1, nowMs));
      this.deadLetters.trim();
      return undefined;
    }
    const target = this.find(to);
    target?.addOwn(store(message, this.stream.head, nowMs));
    return target === undefined ? this.undeclared(to) : undefined;
  }

  find(source: ConsumeOptions['source']): MemoryGroup | undefined {
    return source.kind === 'queue'
      ? this.#queues.get(source.context)
      : this.#groups.get(source.group)?.delivery;
  }

  undeclared(source: ConsumeOptions['source']): MessagingError {
    const name = `${resourceOf(source)} in namespace "${this.#settings.namespace}"`;
    return new MessagingError('unroutable', `[memory] ${name} was never declared: declare it first`);
  }

  group(name: string): NamedGroup | undefined {
    return this.#groups.get(name);
  }

  /** Forgets a group as an administrator would; its members lose their attachment. */
  deleteGroup(name: string): void {
    const group = this.#groups.get(name);
    this.#groups.delete(name);
    group?.delivery.detachAll();
  }

  /** Creates a deleted group again where it left off, from what a driver remembered of it. */
  restoreGroup(group: NamedGroup): void {
    if (this.#groups.has(group.name)) return;
    this.#groups.set(group.name, group);
    this.#catchUp(group, group.position + 1);
  }

  describe(): readonly TopologyResource[] {
    const { namespace, lanes, retention } = this.#settings;
    const logs = [this.stream, this.deadLetters].map((log, index) => {
      log.trim();
      const messages = log.head - log.first + 1;
      const kind = index === 0 ? 'stream' : 'dead-letters';
      return { kind, name: namespace, details: { lanes, ...retention, messages, bytes: log.bytes } };
    });
    const queues = [...this.#queues].map(([name, { unsettled, members }]) => {
      return { kind: 'queue', name, details: { unsettled, members } };
    });
    const groups = [...this.#groups].map(([name, { types, delivery }]) => {
      const { ordering, unsettled, discarded, members } = delivery;
      const details = { types: [...types].join(' '), ordering, unsettled, discarded, members };
      return { kind: 'group', name, details };
    });
    return [...logs, ...queues, ...groups];
  }

  #checkDeclaration({ group, types, from, ordering }: GroupDeclaration): number {
    checkGroup(group);
    for (const type of types) checkTypePattern(type);
    if (types.length === 0) throw new MessagingError('invalid', `[memory] group ${group} asks for no types`);
    const existing = this.#groups.get(group);
    if (existing === undefined) return this.stream.startOf(from);
    if (existing.delivery.ordering === ordering) return 0;
    throw new MessagingError(
      'conflict',
      `[memory] group ${group} has ordering ${existing.delivery.ordering}, not ${ordering}: ordering is fixed when a group is created, use another handler name`,
    );
  }

  /** Members of different versions may ask for different types: the group takes what any of them asked for. */
  #declareGroup({ group: name, types, ordering }: GroupDeclaration, start: number): void {
    const existing = this.#groups.get(name);
    if (existing !== undefined) {
      for (const type of types) existing.types.add(type);
      existing.wanted.clear();
      return;
    }
    const delivery = new MemoryGroup(ordering, this.#settings.lanes, this.#services, () =>
      this.stream.trim(),
    );
    const group = { name, delivery, types: new Set(types), wanted: new Map(), position: start - 1 };
    this.#groups.set(name, group);
    this.#catchUp(group, start);
  }

  #catchUp(group: NamedGroup, from: number): void {
    this.stream.trim();
    const first = Math.max(from, this.stream.first);
    for (let sequence = first; sequence <= this.stream.head; sequence++) {
      const stored = this.stream.at(sequence);
      if (stored !== undefined) offer(group, stored);
    }
  }
}

function offer(group: NamedGroup, stored: StoredMessage): void {
  group.position = stored.sequence;
  let wanted = group.wanted.get(stored.type);
  if (wanted === undefined) {
    wanted = [...group.types].some((pattern) => matchesType(pattern, stored.type));
    if (group.wanted.size >= MOST_TYPES) group.wanted.clear();
    group.wanted.set(stored.type, wanted);
  }
  if (wanted) group.delivery.addLogged(stored);
}
