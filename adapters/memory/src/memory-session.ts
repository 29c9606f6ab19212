import { MessagingError } from '@waggle/kernel';
import type {
  ConsumeOptions,
  DriverSettings,
  OutgoingMessage,
  Topology,
  TopologyResource,
} from '@waggle/messaging';
import type { Operation, Permissions } from './access.ts';
import type { FaultDice } from './faults.ts';
import type { MemoryGroup } from './memory-group.ts';
import type { MemoryLog } from './memory-log.ts';
import type { Attachment, Member } from './memory-member.ts';
import { resourceOf, type MemoryNamespace, type NamedGroup } from './memory-namespace.ts';
import { faultOf } from './stored-message.ts';

/** An attached consumer, from the driver's side. */
export interface Attached {
  pause(paused: boolean): void;
  freeze(): void;
  thaw(): void;
  detach(): void;
  /** What it takes to create the group again where it left off; queues are never deleted. */
  readonly place: NamedGroup | undefined;
}

/** The server's end of one driver's connection: every permission is checked and every strictness lives here. */
export interface Session {
  readonly namespace: string;
  /** Whether the connection was cut; nothing reaches the server any more. */
  readonly lost: boolean;
  declare(topology: Topology): void;
  publish(message: OutgoingMessage): MessagingError | undefined;
  attach(options: ConsumeOptions, attachment: Attachment, place: NamedGroup | undefined): Attached;
  log(kind: 'stream' | 'dead-letters'): MemoryLog;
  lag(source: ConsumeOptions['source']): number;
  describe(): readonly TopologyResource[];
  /** Ends every consumer behind the back of the driver. */
  closeChannels(): void;
  /** The driver leaves: its consumers end, what it sent before counts. */
  leave(): void;
  /** The connection breaks: like leaving, but what was not confirmed yet never will be. */
  cut(): void;
}

export interface SessionServices {
  readonly permissions: Permissions;
  readonly dice: FaultDice;
}

export function createSession(
  settings: DriverSettings,
  namespace: MemoryNamespace,
  { permissions, dice }: SessionServices,
): Session {
  const members = new Map<Member, MemoryGroup>();
  let lost = false;
  let left = false;

  const broken = (): MessagingError =>
    new MessagingError('unavailable', '[memory] the connection was lost before the broker answered');
  const demand = (operation: Operation, resource: string): void => {
    if (lost) throw broken();
    if (left) throw new MessagingError('closed', '[memory] the driver was closed meanwhile: create another');
    const refusal = permissions.refusal({ operation, namespace: settings.namespace, resource });
    if (refusal !== undefined) throw refusal;
  };
  const find = (source: ConsumeOptions['source']): MemoryGroup => {
    const found = namespace.find(source);
    if (found === undefined) throw namespace.undeclared(source);
    return found;
  };
  const endConsumers = (): void => {
    for (const [member, group] of members) group.detach(member);
    members.clear();
  };
  const checkConsume = ({ source, ordering, concurrency }: ConsumeOptions, group: MemoryGroup): void => {
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new MessagingError('invalid', `[memory] concurrency ${concurrency}: give a whole number from 1`);
    }
    if (source.kind === 'group' && ordering !== group.ordering) {
      throw new MessagingError(
        'conflict',
        `[memory] ${resourceOf(source)} was declared with ordering ${group.ordering}, and is consumed with ${ordering}`,
      );
    }
  };

  return {
    namespace: settings.namespace,
    get lost() {
      return lost;
    },
    declare(topology) {
      for (const context of topology.queues ?? []) demand('declare', `queue ${context}`);
      for (const { group } of topology.groups ?? []) demand('declare', `group ${group}`);
      namespace.declare(topology);
    },
    publish(message) {
      if (lost) return broken();
      const access = { namespace: settings.namespace, resource: resourceOf(message.to), type: message.type };
      const problem = faultOf(message, settings) ?? permissions.refusal({ operation: 'publish', ...access });
      if (problem !== undefined) return problem;
      const { to } = message;
      if ((to.kind === 'queue' || to.kind === 'group') && namespace.find(to) === undefined) {
        return namespace.undeclared(to);
      }
      const fails = dice.happens('failPublish');
      if (!fails || dice.coin()) namespace.publish(message);
      if (dice.happens('duplicate')) namespace.publish(message);
      if (!fails) return undefined;
      return new MessagingError(
        'unavailable',
        `[memory] message ${message.id} was not confirmed: a fault was injected`,
      );
    },
    attach(options, attachment, place) {
      const { source } = options;
      demand('consume', resourceOf(source));
      if (place !== undefined) namespace.restoreGroup(place);
      const group = find(source);
      checkConsume(options, group);
      const member = group.attach(attachment);
      members.set(member, group);
      return {
        pause: (paused) => group.pause(member, paused),
        freeze: () => group.freeze(member),
        thaw: () => group.thaw(member),
        detach() {
          members.delete(member);
          group.detach(member);
        },
        place: source.kind === 'group' ? namespace.group(source.group) : undefined,
      };
    },
    log(kind) {
      demand('read', kind);
      return kind === 'stream' ? namespace.stream : namespace.deadLetters;
    },
    lag(source) {
      namespace.stream.trim();
      return find(source).unsettled;
    },
    describe: () => namespace.describe(),
    closeChannels() {
      const ended = [...members.keys()];
      endConsumers();
      for (const member of ended) member.attachment.lost();
    },
    leave() {
      left = true;
      endConsumers();
    },
    cut() {
      lost = true;
      endConsumers();
    },
  };
}
