import type { ChannelModel } from 'amqplib';
import { messageOf } from '@waggle/kernel';
import type { GroupDeclaration, Topology } from '@waggle/messaging';
import { withChannel } from './rabbitmq-channel.ts';
import { bindingKey, delayLevel, membersQueue, pumpQueue, queuesOf } from './rabbitmq-names.ts';
import { declarePump, startPump } from './rabbitmq-pump.ts';
import type { Pumped, Session } from './rabbitmq-session.ts';

/** What is to exist on the server, as data. */
interface Queue {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** What is routed to it, besides what is sent straight to it. */
  readonly exchange?: string;
  readonly keys?: readonly string[];
}

type Source = Pick<GroupDeclaration, 'ordering' | 'types' | 'from'>;
const QUEUE: Source = { ordering: 'by-key', types: ['*'], from: 'new' };

/**
 * 4.x drops a message after 20 failures unless told otherwise; when to give up is decided above the driver, and what is held
 * in its place comes again for as long as nobody looks after it.
 */
const DELIVERY_LIMIT = 2_000_000_000;
const QUORUM = { 'x-queue-type': 'quorum', 'x-delivery-limit': DELIVERY_LIMIT };
const SINGLE_ACTIVE = { ...QUORUM, 'x-single-active-consumer': true };
/** The client library has one request under way on a channel: this many channels declare at a time. */
const PARALLEL = 8;

/** Declares on one connection, and runs the pumps of the groups that need one. */
export function createTopology(session: Session) {
  const { model, names, known } = session;
  const { lanes, retention } = session.settings;
  const delays = new Map<number, Promise<string>>();
  const eighth = Math.ceil(retention.maxBytes / 8);
  const log = {
    'x-queue-type': 'stream',
    'x-max-age': `${Math.ceil(retention.maxAgeMs / 1000)}s`,
    'x-max-length-bytes': retention.maxBytes,
    'x-stream-max-segment-size-bytes': Math.min(500_000_000, Math.max(65_536, eighth)),
  };

  /** The stream, the dead letters and the exchanges; compares the lane count and the retention. */
  async function declareCommon(): Promise<void> {
    delays.clear(); // what was there once may be gone
    await withChannel(model, async (channel) => {
      await channel.assertExchange(names.lanes, 'topic', { alternateExchange: `${names.lanes}.${lanes}` });
      for (const name of [names.events, names.commands]) await channel.assertExchange(name, 'topic');
    });
    const everything = { name: names.log, args: log, exchange: names.events, keys: ['#'] };
    await declareQueues(model, [everything, { name: names.dead, args: log }]);
  }

  /**
   * The members queue is classic and always empty, so its dead-letter key is free to say of what kind a group is: the
   * server compares it. Where a group begins counts when it is first created, so of that what exists wins. Resolves with
   * whether a pump serves the group.
   */
  async function declareMembers(base: string, ordering: string, isPumped: boolean): Promise<boolean> {
    const declareAs = (kind: string): Promise<void> => {
      const args = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': kind };
      return declareQueues(model, [{ name: membersQueue(base), args }]);
    };
    const kindIf = (pumped: boolean): string => (pumped ? `${ordering}.pumped` : ordering);
    try {
      await declareAs(kindIf(isPumped));
      return isPumped;
    } catch (error) {
      if (!new RegExp(`current is .*'${kindIf(!isPumped)}'`).test(messageOf(error))) throw error;
      await declareAs(kindIf(!isPumped));
      return !isPumped;
    }
  }

  /** Resolves with whether a pump serves it: then nothing is routed to its queues. */
  async function declareSource(
    base: string,
    source: Source,
    exchange: string,
    prefix = '',
  ): Promise<boolean> {
    const { ordering, types, from } = source;
    const isPumped = await declareMembers(base, ordering, from !== 'new');
    const queues: Queue[] = queuesOf(base, ordering, lanes).map(({ name, lane }) => {
      const args = typeof lane === 'number' ? SINGLE_ACTIVE : QUORUM;
      const keys = isPumped ? [] : types.map((type) => prefix + bindingKey(lane ?? '*', type));
      return { name, args, exchange, keys };
    });
    if (isPumped) queues.push({ name: pumpQueue(base), args: SINGLE_ACTIVE });
    await declareQueues(model, queues);
    return isPumped;
  }

  async function declareGroup(declaration: GroupDeclaration): Promise<void> {
    const { group, ordering, types, from } = declaration;
    const name = names.base({ kind: 'group', group });
    const isPumped = await declareSource(name, declaration, names.events);
    known.declared.set(name, { kind: 'group', name, details: { group, types: types.join(' '), ordering } });
    if (!isPumped) return;
    const pumped: Pumped = known.pumped.get(group) ?? { declaration };
    await declarePump(session, name, pumped.offset ?? from);
    pumped.declaration = declaration;
    known.pumped.set(group, pumped);
    startPump(session, pumped, declare);
  }

  async function declare({ queues, groups }: Required<Topology>): Promise<void> {
    await declareCommon(); // queues are bound to it, and it may be gone
    for (const context of queues) {
      const name = names.base({ kind: 'queue', context });
      await declareSource(name, QUEUE, names.commands, `${context}.`);
      known.declared.set(name, { kind: 'queue', name, details: { context } });
    }
    for (const declaration of groups) await declareGroup(declaration);
  }

  async function declareDelay(level: number): Promise<string> {
    const name = names.delay(level);
    const args = {
      ...QUORUM,
      'x-message-ttl': level,
      'x-dead-letter-exchange': '',
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    };
    await withChannel(model, (channel) => channel.assertExchange(name, 'fanout'));
    await declareQueues(model, [{ name, args, exchange: name, keys: [''] }]);
    return name;
  }

  for (const pumped of known.pumped.values()) startPump(session, pumped, declare);
  return {
    declareCommon,
    declare,
    forgetDelays: () => delays.clear(),
    /** The exchange that delays for `delayMs` at least; declared on first use. */
    delayExchange(delayMs: number): Promise<string> {
      const level = delayLevel(delayMs);
      const declaring = delays.get(level) ?? declareDelay(level);
      delays.set(level, declaring);
      declaring.catch(() => delays.delete(level));
      return declaring;
    },
  };
}

/** Creates what does not exist yet, and fails where what exists differs: the server compares it. */
async function declareQueues(model: ChannelModel, queues: readonly Queue[]): Promise<void> {
  const left = [...queues];
  const declareSome = (): Promise<void> =>
    withChannel(model, async (channel) => {
      for (let queue = left.shift(); queue !== undefined; queue = left.shift()) {
        const { name, args, exchange = '', keys = [] } = queue;
        await channel.assertQueue(name, { arguments: args });
        for (const key of keys) await channel.bindQueue(name, exchange, key);
      }
    });
  await Promise.all(Array.from({ length: Math.min(PARALLEL, queues.length) }, declareSome));
}
