import { messageOf } from '@waggle/kernel';
import { checkDeclared, existing, usualDelayLevels } from '@waggle/messaging';
import type { ConsumeOptions, GroupDeclaration, Topology } from '@waggle/messaging';
import type { Enrolment, RegistryEntries } from '@waggle/messaging';
import { createDelays, makeDelays } from './rabbitmq-delays.ts';
import { ensure, isBound, QUORUM, type Resource } from './rabbitmq-ensure.ts';
import { replyCode } from './rabbitmq-errors.ts';
import { bindingKey, membersQueue, pumpQueue, queuesOf } from './rabbitmq-names.ts';
import { placeOf, servePumped, startPump } from './rabbitmq-pump.ts';
import type { Session } from './rabbitmq-session.ts';
import { remove } from './rabbitmq-groups.ts';

type Wanted = Omit<GroupDeclaration, 'group'> & Pick<ConsumeOptions, 'source'>;
const QUEUE = { ordering: 'by-key', types: ['*'], from: 'new' } as const;

const CONFLICT = 406;
const SINGLE_ACTIVE = { ...QUORUM, 'x-single-active-consumer': true };
const STREAM = { 'x-queue-type': 'stream' };
/** Far more than what its readers let it hold. */
const REGISTRY = { ...STREAM, 'x-max-length-bytes': 50e6, 'x-stream-max-segment-size-bytes': 5e6 };
/** In the registry: how many delay levels were made ahead. */
const DELAYS = 'delays';

/** Declares on one connection, and runs the pumps of the groups that need one. */
export function createTopology(session: Session) {
  const { names, known, options, registry } = session;
  const { lanes, retention } = session.settings;
  const { maxAgeMs, maxBytes } = retention;
  const bound = isBound(session);
  const delays = createDelays(session);
  const log = {
    ...STREAM,
    'x-max-age': `${Math.ceil(maxAgeMs / 1000)}s`,
    'x-max-length-bytes': maxBytes,
    'x-stream-max-segment-size-bytes': Math.min(500_000_000, Math.max(65_536, Math.ceil(maxBytes / 8))),
  };

  const values = { lanes, maxAgeMs, maxBytes };
  async function ensureCommon(): Promise<void> {
    await ensure(session, [
      { name: names.lanes, type: 'topic', args: { 'alternate-exchange': `${names.lanes}.${lanes}` } },
      { name: names.events, type: 'topic' },
      { name: names.commands, type: 'topic' },
    ]);
    await ensure(session, [
      { name: names.log, args: log, exchange: names.events, keys: ['#'] },
      { name: names.dead, args: log },
      { name: names.registry, args: REGISTRY },
    ]);
  }

  /** The streams, the dead letters and the exchanges; compares the lane count and the retention. */
  async function declareCommon(): Promise<RegistryEntries> {
    delays.forget(); // what was there once may be gone
    await ensureCommon().catch(async (error: unknown) => {
      const entries =
        replyCode(error) === CONFLICT ? await registry.read().catch(() => undefined) : undefined;
      throw explain(error, names.events, entries?.get(names.events)?.values, values);
    });
    const entries = await registry.read();
    const found = entries.get(names.events)?.values;
    if (bound) checkDeclared('rabbitmq', names.events, found, values);
    else if (JSON.stringify(found) !== JSON.stringify(values))
      await registry.write({ name: names.events, values });
    const levels = usualDelayLevels();
    const made = entries.get(DELAYS)?.values?.['levels'];
    if (options.delaysAhead === true && made !== levels.length && !bound) {
      await makeDelays(session, levels);
      await registry.write({ name: DELAYS, values: { levels: levels.length } });
    }
    return entries;
  }

  /**
   * The members queue is classic and always empty, so its dead-letter key is free to say of what kind a group is: the
   * server compares it. Where a group begins counts when it is first created, so of that what exists wins. Resolves with
   * that: whether a pump serves the group.
   */
  async function declareMembers(base: string, [kind = '', ...others]: readonly string[]): Promise<string> {
    const args = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': kind };
    try {
      await ensure(session, [{ name: membersQueue(base), args }]);
      return kind;
    } catch (error) {
      if (!others.some((other) => RegExp(`current is .*'${other}'`).test(messageOf(error)))) throw error;
      return declareMembers(base, others);
    }
  }

  /** The members queue is first: the server compares it, and it holds nothing, so that all that does is in the registry. */
  async function declareSource(entries: RegistryEntries, wanted: Wanted): Promise<Enrolment> {
    const { source, ordering, types, from } = wanted;
    const base = names.base(source);
    const last = existing(entries, base);
    const found = bound ? checkDeclared('rabbitmq', base, last, { ordering, types }) : undefined;
    const kinds = [ordering, `${ordering}.pumped`];
    if (found?.isPumped ?? from !== 'new') kinds.reverse();
    const kind = await declareMembers(base, kinds).catch((error: unknown) => {
      throw explain(error, base, last, { ordering });
    });
    const isPumped = kind !== ordering;
    const enrolment = found ?? (await registry.enrol(entries, base, { source, ordering, types, isPumped }));
    const exchange = source.kind === 'group' ? names.events : names.commands;
    const prefix = source.kind === 'group' ? '' : `${source.context}.`;
    const queues: Resource[] = queuesOf(base, ordering, lanes).map(({ name, lane }) => {
      const args = typeof lane === 'number' ? SINGLE_ACTIVE : QUORUM;
      const keys = isPumped ? [] : types.map((type) => prefix + bindingKey(lane ?? '*', type));
      return { name, args, exchange, keys };
    });
    if (isPumped) queues.push({ name: pumpQueue(base), args: SINGLE_ACTIVE });
    await ensure(session, queues);
    known.enrolled.set(base, enrolment);
    return enrolment;
  }

  /** What cannot begin where it is asked to is known before anything is created, or removed. */
  async function declare({ queues, groups, absent }: Required<Topology>): Promise<void> {
    let entries = await declareCommon(); // queues are bound to it, and it may be gone
    const removed = absent.map((source) => names.base(source));
    for (const { group, from } of groups) {
      const base = names.base({ kind: 'group', group });
      const begins = removed.includes(base) || existing(entries, base) === undefined;
      if (typeof from === 'object' && begins) await placeOf(session, from);
    }
    for (const source of absent) await remove(session, source);
    if (absent.length > 0) entries = await registry.read();
    for (const context of queues)
      await declareSource(entries, { ...QUEUE, source: { kind: 'queue', context } });
    for (const declaration of groups) {
      const source = { kind: 'group', group: declaration.group } as const;
      const enrolment = await declareSource(entries, { ...declaration, source });
      if (enrolment.isPumped) await servePumped(session, declaration, enrolment, declare);
    }
  }

  for (const pumped of known.pumped.values()) startPump(session, pumped, declare);
  return { declareCommon, declare, delays };
}

/** What differs the server tells in the words of AMQP: in ours, where the registry knows as much. */
function explain<Declared extends object>(
  error: unknown,
  name: string,
  exists: Declared | undefined,
  asked: Partial<Declared>,
): unknown {
  if (replyCode(error) !== CONFLICT || exists === undefined) return error;
  checkDeclared('rabbitmq', name, exists, asked);
  return error;
}
