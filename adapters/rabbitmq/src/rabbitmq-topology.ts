import type { ConfirmChannel } from 'amqplib';
import { checkGroup, checkName, checkTypePattern, MessagingError, messageOf } from '@waggle/kernel';
import type {
  ConsumeOptions,
  DriverSettings,
  GroupDeclaration,
  Lane,
  Topology,
  TopologyResource,
} from '@waggle/messaging';
import { closeChannel, endOf } from './rabbitmq-channel.ts';
import type { RabbitMqConnection } from './rabbitmq-connection.ts';
import { within } from './rabbitmq-errors.ts';
import { checkCursor, findHead } from './rabbitmq-log.ts';
import { createCheckpoint, type Pump, startPump } from './rabbitmq-pump.ts';
import {
  allQueue,
  bindingKey,
  delayLevel,
  laneQueue,
  lanesOf,
  membersQueue,
  pumpQueue,
  type Names,
} from './rabbitmq-names.ts';

export interface RabbitMqTopology {
  /** The stream, the dead letters and the exchanges; compares the lane count and the retention. */
  declareCommon(): Promise<void>;
  declare(topology: Topology): Promise<void>;
  /** Declares again what this process knows of a group or a queue, after it vanished from the server. */
  restore(source: ConsumeOptions['source']): Promise<void>;
  /** The exchange that delays for `delayMs` at least; declared on first use. */
  delayExchange(delayMs: number): Promise<string>;
  /** How a source is ordered, where this process declared it. */
  orderingOf(source: ConsumeOptions['source']): ConsumeOptions['ordering'] | undefined;
  resources(): TopologyResource[];
  /** Stops what it runs for groups that do not begin at "new". */
  close(): Promise<void>;
}

type Step = (channel: ConfirmChannel) => Promise<unknown>;
type Ordering = GroupDeclaration['ordering'];

/** 4.x drops a message after 20 failures unless told otherwise; when to give up is decided above the driver. */
const DELIVERY_LIMIT = 1_000_000;
const QUORUM = { 'x-queue-type': 'quorum', 'x-delivery-limit': DELIVERY_LIMIT };
const SINGLE_ACTIVE = { ...QUORUM, 'x-single-active-consumer': true };
/** Of a group whose queues are not bound, but copied to. */
const PUMPED = 'pumped';
/** The client library has one request under way on a channel: this many channels declare at a time. */
const PARALLEL = 8;

export function createTopology(
  settings: DriverSettings,
  names: Names,
  connection: RabbitMqConnection,
): RabbitMqTopology {
  const { retention, lanes } = settings;
  const groups = new Map<string, GroupDeclaration>();
  const contexts = new Set<string>();
  const delays = new Map<string, Promise<void>>();
  const pumps = new Map<string, Pump>();

  async function run(what: string, steps: readonly Step[]): Promise<void> {
    const left = [...steps];
    await within(
      settings.requestTimeoutMs,
      what,
      connection.model(settings.requestTimeoutMs).then(async (model) => {
        const work = async (): Promise<void> => {
          if (left.length === 0) return;
          const channel = await model.createConfirmChannel();
          void endOf(channel);
          try {
            for (let step = left.shift(); step !== undefined; step = left.shift()) await step(channel);
          } finally {
            left.length = 0;
            await closeChannel(channel);
          }
        };
        await Promise.all(Array.from({ length: Math.min(PARALLEL, steps.length) }, work));
      }),
    );
  }

  const log =
    (name: string): Step =>
    (channel) =>
      channel.assertQueue(name, {
        arguments: {
          'x-queue-type': 'stream',
          'x-max-age': `${Math.ceil(retention.maxAgeMs / 1000)}s`,
          'x-max-length-bytes': retention.maxBytes,
          'x-stream-max-segment-size-bytes': Math.min(
            500_000_000,
            Math.max(65_536, Math.ceil(retention.maxBytes / 8)),
          ),
        },
      });

  async function declareCommon(): Promise<void> {
    const alternateExchange = names.lanesMarker(lanes);
    await run(`comparing the lane count of ${names.events}`, [
      (channel) => channel.assertExchange(names.lanes, 'topic', { alternateExchange }),
    ]);
    await run(`declaring ${names.events}`, [
      (channel) =>
        channel
          .assertExchange(names.events, 'topic')
          .then(() => log(names.log)(channel))
          .then(() => channel.bindQueue(names.log, names.events, '#')),
      (channel) => channel.assertExchange(names.commands, 'topic'),
      log(names.dead),
    ]);
  }

  /** The queues of one source, each with its bindings; by key a queue a lane, else one for all. */
  async function declareQueues(
    base: string,
    exchange: string,
    ordering: Ordering,
    keys: (lane: Lane | '*') => readonly string[],
  ): Promise<void> {
    const queues: { name: string; lane: Lane | '*' }[] =
      ordering === 'none'
        ? [{ name: allQueue(base), lane: '*' }]
        : lanesOf(lanes).map((lane) => ({ name: laneQueue(base, lane), lane }));
    await run(
      `declaring ${base}`,
      queues.map(({ name, lane }) => async (channel) => {
        await channel.assertQueue(name, { arguments: typeof lane === 'number' ? SINGLE_ACTIVE : QUORUM });
        for (const key of keys(lane)) await channel.bindQueue(name, exchange, key);
      }),
    );
  }

  /**
   * Classic and always empty, so its dead-letter key is free to say of what kind a group is: the server compares it.
   * Where a group begins counts when it is first created, so of that what exists wins. Resolves with whether it is pumped.
   */
  async function declareMembers(base: string, ordering: Ordering, pumped: boolean): Promise<boolean> {
    const declareAs = (kind: string): Promise<void> =>
      run(`declaring ${base}`, [
        (channel) =>
          channel.assertQueue(membersQueue(base), { deadLetterExchange: '', deadLetterRoutingKey: kind }),
      ]);
    const kinds = [ordering, `${ordering}.${PUMPED}`];
    try {
      await declareAs(kinds[Number(pumped)] ?? ordering);
      return pumped;
    } catch (error) {
      const other = kinds[Number(!pumped)] ?? ordering;
      if (!messageOf(error).includes(`exists with x-dead-letter-routing-key '${other}'`)) throw error;
      await declareAs(other);
      return !pumped;
    }
  }

  async function declareGroup(declaration: GroupDeclaration): Promise<void> {
    const { group, ordering, types, from } = declaration;
    checkGroup(group);
    if (types.length === 0)
      throw new MessagingError('invalid', `[rabbitmq] group ${group} asks for no types`);
    for (const type of types) checkTypePattern(type);
    const base = names.base({ kind: 'group', group });
    const pumped = await declareMembers(base, ordering, from !== 'new');
    await declareQueues(base, names.events, ordering, (lane) =>
      pumped ? [] : types.map((type) => bindingKey(lane, type)),
    );
    if (pumped) await declarePump(base, declaration);
    groups.set(group, declaration);
  }

  async function declarePump(
    base: string,
    { group, ordering, types, from }: GroupDeclaration,
  ): Promise<void> {
    const begin = async (channel: ConfirmChannel): Promise<number> => {
      const known = pumps.get(group)?.position;
      if (known !== undefined) return known;
      if (from === 'beginning') return -1;
      return from === 'new'
        ? findHead(channel, names.log)
        : checkCursor({ connection, settings, log: names.log }, from.after);
    };
    await run(`declaring ${base}`, [
      async (channel) => {
        await channel.assertQueue(pumpQueue(base), { arguments: SINGLE_ACTIVE });
        await createCheckpoint(channel, base, () => begin(channel));
      },
    ]);
    if (pumps.has(group)) return;
    const restore = (): Promise<void> => restoreSource({ kind: 'group', group });
    const wanted = (): readonly string[] => groups.get(group)?.types ?? types;
    pumps.set(
      group,
      startPump({ connection, settings, log: names.log, base, ordering, types: wanted, restore }),
    );
  }

  async function declareQueue(context: string): Promise<void> {
    checkName('context', context);
    const base = names.base({ kind: 'queue', context });
    await declareMembers(base, 'by-key', false);
    await declareQueues(base, names.commands, 'by-key', (lane) => [`${context}.${lane}.#`]);
    contexts.add(context);
  }

  const restoring = new Map<string, Promise<void>>();
  function restoreSource(source: ConsumeOptions['source']): Promise<void> {
    const base = names.base(source);
    const again = async (): Promise<void> => {
      await declareCommon();
      if (source.kind === 'queue' && contexts.has(source.context)) return declareQueue(source.context);
      const known = source.kind === 'group' ? groups.get(source.group) : undefined;
      if (known === undefined) throw undeclared(base);
      await declareGroup(known);
    };
    const running = restoring.get(base) ?? again().finally(() => restoring.delete(base));
    restoring.set(base, running);
    return running;
  }

  return {
    declareCommon,
    async declare({ queues = [], groups: asked = [] }) {
      for (const context of queues) await declareQueue(context);
      for (const declaration of asked) await declareGroup(declaration);
    },
    restore: restoreSource,
    async delayExchange(delayMs) {
      const level = delayLevel(delayMs);
      const name = names.delay(level);
      const declaring =
        delays.get(name) ??
        run(`declaring ${name}`, [
          async (channel) => {
            await channel.assertExchange(name, 'fanout');
            await channel.assertQueue(name, {
              messageTtl: level,
              deadLetterExchange: '',
              overflow: 'reject-publish',
              arguments: { ...QUORUM, 'x-dead-letter-strategy': 'at-least-once' },
            });
            await channel.bindQueue(name, name, '');
          },
        ]);
      delays.set(name, declaring);
      declaring.catch(() => delays.delete(name));
      await declaring;
      return name;
    },
    close: async () => void (await Promise.all([...pumps.values()].map((pump) => pump.close()))),
    orderingOf: (source) => (source.kind === 'queue' ? 'by-key' : groups.get(source.group)?.ordering),
    resources() {
      const version = connection.serverVersion;
      return [
        { kind: 'server', name: 'RabbitMQ', details: { version } },
        { kind: 'exchange', name: names.events, details: { lanes } },
        { kind: 'exchange', name: names.commands, details: {} },
        { kind: 'log', name: names.log, details: { ...retention } },
        { kind: 'log', name: names.dead, details: { ...retention } },
        ...[...contexts].map((context) => ({
          kind: 'queue',
          name: names.base({ kind: 'queue', context }),
          details: { context, queues: lanes + 1 },
        })),
        ...[...groups.values()].map(({ group, types, ordering }) => ({
          kind: 'group',
          name: names.base({ kind: 'group', group }),
          details: { group, types: types.join(' '), ordering, queues: ordering === 'none' ? 1 : lanes + 1 },
        })),
        ...[...delays.keys()].map((name) => ({ kind: 'delay', name, details: {} })),
      ];
    },
  };
}

export function undeclared(base: string): MessagingError {
  return new MessagingError('unroutable', `[rabbitmq] ${base} was never declared: declare it first`);
}
