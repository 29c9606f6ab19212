import { setTimeout as delay } from 'node:timers/promises';
import { matchesType } from '@waggle/kernel';
import { titleOf, type DriverSettings, type GroupDeclaration, type Topology } from '@waggle/messaging';
import { AckPolicy, DeliverPolicy, nanos, ReplayPolicy, type ConsumerConfig, type ConsumerInfo } from 'nats';
import { floorOf, type NatsLink } from './nats-connection.ts';
import { differs, missing } from './nats-errors.ts';
import { DELETION_MS, describeTypes, infosOf, remove, typesOf } from './nats-groups.ts';
import { linesOf, type Line, type Ordering, type Taking } from './nats-names.ts';
import { ensureStream, positionOf } from './nats-streams.ts';

type Start = Pick<ConsumerConfig, 'deliver_policy' | 'opt_start_seq' | 'opt_start_time'>;
/** Told the floor of what this process consumed. */
type Begin = (floor: number | undefined) => Promise<Start>;

/** A message that waits for its retry stays in the server's pending count: a margin far above any concurrency. */
const UNORDERED_PENDING = 65_536;
const UNORDERED_WAITING_PULLS = 2048;
/** What the server lets be changed of a durable that exists. */
const ALTERABLE: ReadonlySet<string> = new Set(['ack_wait', 'max_ack_pending', 'max_deliver']);
const EVERYTHING: Start = { deliver_policy: DeliverPolicy.All };

/**
 * Removes what must be absent, then creates what is missing, or names it where nothing may be created; what exists must
 * not differ. @throws MessagingError `conflict` and others
 */
export async function declare(link: NatsLink, { queues, groups, absent }: Required<Topology>): Promise<void> {
  const anew = groups.filter(({ group }) =>
    absent.some((gone) => gone.kind === 'group' && gone.group === group),
  );
  for (const { from } of anew) if (typeof from === 'object') await positionOf(link, 'stream', from.after);
  await remove(link, absent);
  // What is done is no longer in a queue, and an acknowledgement that was lost can be repeated.
  const begin = async (): Promise<Start> => EVERYTHING;
  const sources = queues.map((context) => ({ kind: 'queue', context }) as const);
  await Promise.all(sources.map((source) => ensureLines(link, source, 'by-key', begin)));
  await Promise.all(groups.map((group) => declareGroup(link, group)));
}

/** That a group has the other ordering than the one it was asked for with, if that is so. */
export async function otherOrdering(link: NatsLink, source: Taking, ordering: Ordering) {
  const other = ordering === 'none' ? 'by-key' : 'none';
  const [found] = await infosOf(link, linesOf(link.settings, source, other).slice(0, 1));
  return found === undefined ? undefined : differs(titleOf(source), 'ordering', other, ordering);
}

async function declareGroup(
  link: NatsLink,
  { group, types, from, ordering }: GroupDeclaration,
): Promise<void> {
  const source = { kind: 'group', group } as const;
  const conflict = await otherOrdering(link, source, ordering);
  if (conflict !== undefined) throw conflict;
  const begin: Begin = async (floor) => {
    if (floor !== undefined) return startAfter(floor);
    if (from === 'beginning') return EVERYTHING;
    if (from === 'new') return { deliver_policy: DeliverPolicy.New };
    return startAfter(await positionOf(link, 'stream', from.after));
  };
  await ensureLines(link, source, ordering, begin, types);
}

/** Creates the durables that are missing, also those that somebody deleted, and the stream if need be. */
async function ensureLines(
  link: NatsLink,
  source: Taking,
  ordering: Ordering,
  begin: Begin,
  types: readonly string[] = ['*'],
): Promise<void> {
  const { api, settings } = link;
  await ensureStream(link, source);
  const lines = linesOf(settings, source, ordering);
  const infos = await infosOf(link, lines);
  await Promise.all(lines.map((line, index) => adapt(link, line, infos[index], types)));
  const absent = lines.filter((_, index) => infos[index] === undefined);
  if (absent[0] !== undefined && settings.topology === 'bind') {
    throw missing(`consumer ${absent[0].key} of ${titleOf(source)}`);
  }
  if (absent.some(({ key }) => floorOf(link, key) !== undefined)) await delay(DELETION_MS);
  const sibling = infos.find((info) => info !== undefined);
  await Promise.all(
    absent.map(async (line) => {
      const floor = floorOf(link, line.key);
      // Where some lanes of a group exist, the rest begins where they did: twice rather than never.
      const from = floor === undefined && sibling !== undefined ? startOf(sibling) : await begin(floor);
      const config = { ...configOf(link, line), description: describeTypes(types), ...from };
      await api.consumers.add(line.stream, config).catch(async (error: unknown) => {
        // Somebody else was faster, with a start that differs by a moment.
        if ((await infosOf(link, [line]))[0] === undefined) throw error;
      });
    }),
  );
}

/** What the server waits for: less than the lease, so that somebody else has the message when that is over. */
export const ackWaitMs = ({ leaseMs }: DriverSettings): number => Math.ceil(leaseMs * 0.9);

function configOf({ settings }: NatsLink, { durable, filter, ordered }: Line) {
  return {
    durable_name: durable,
    filter_subject: filter,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs(settings)),
    max_deliver: -1,
    max_ack_pending: ordered ? 1 : UNORDERED_PENDING,
    replay_policy: ReplayPolicy.Instant,
    ...(ordered ? {} : { max_waiting: UNORDERED_WAITING_PULLS }),
  };
}

/**
 * Gives a durable that exists the lease and the limits of this process, where that is allowed, and what it asks for in
 * addition. @throws MessagingError `conflict`
 */
async function adapt(
  link: NatsLink,
  line: Line,
  info: ConsumerInfo | undefined,
  types: readonly string[],
): Promise<void> {
  if (info === undefined) return;
  const known = typesOf(info);
  const added = types.filter((type) => !known.some((own) => matchesType(own, type)));
  const theirs = new Map<string, unknown>(Object.entries(info.config));
  const differing = Object.entries(configOf(link, line)).filter(([what, ours]) => theirs.get(what) !== ours);
  for (const [what, ours] of differing) {
    if (link.settings.topology !== 'bind' && ALTERABLE.has(what)) continue;
    throw differs(`consumer ${line.key}`, what, theirs.get(what), ours);
  }
  if (added.length > 0) {
    if (link.settings.topology === 'bind') throw differs(`consumer ${line.key}`, 'types', known, types);
    differing.push(['description', describeTypes([...known, ...added])]);
  }
  if (differing.length === 0) return;
  const changed = differing.map(([what]) => what).join(', ');
  link.settings.logger.warn('a consumer was declared differently; changed it', {
    consumer: line.key,
    changed,
  });
  await link.api.consumers.update(line.stream, line.durable, Object.fromEntries(differing));
}

function startAfter(position: number): Start {
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: position + 1 };
}

function startOf({ config, created }: ConsumerInfo): Start {
  if (config.deliver_policy === DeliverPolicy.All) return EVERYTHING;
  if (config.opt_start_seq !== undefined) return startAfter(config.opt_start_seq - 1);
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: created };
}
