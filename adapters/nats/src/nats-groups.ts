import { setTimeout as delay } from 'node:timers/promises';
import { nameOf, titleOf, type TopologyResource } from '@waggle/messaging';
import { millis, type ConsumerInfo } from 'nats';
import type { NatsLink } from './nats-connection.ts';
import { fail, missing, unlessMissing } from './nats-errors.ts';
import { linesOf, placeOf, queueOf, redrivesOf, takingOf } from './nats-names.ts';
import type { Line, Taking } from './nats-names.ts';

/** The server announces a deletion before it has removed the files: what is made at once would find the old state. */
export const DELETION_MS = 250;

const TYPES = /\btypes=(\S+)/;
/** A description has at most 4,096 bytes. */
const MOST_BYTES = 4_000;

/** 2.9 ignores metadata: the description of a durable keeps what its group was declared with. */
export function describeTypes(types: readonly string[]): string {
  const all = types.join(',');
  return `waggle types=${all.length > MOST_BYTES ? '*' : all}`;
}

export function typesOf({ config: { description = '' } }: ConsumerInfo): readonly string[] {
  return (TYPES.exec(description)?.[1] ?? '*').split(',');
}

/** The server's view of lines; `undefined` where there is no such durable, or no such stream. */
export async function infosOf({ api }: NatsLink, lines: readonly Line[]) {
  return Promise.all(lines.map((line) => unlessMissing(api.consumers.info(line.stream, line.durable))));
}

/** What is not settled. @throws MessagingError `unroutable` */
export async function lagOf(link: NatsLink, source: Taking): Promise<number> {
  const infos = await existingOf(link, source);
  if (infos.length === 0) throw undeclared(source);
  return lagIn(infos);
}

export function undeclared(source: Taking): Error {
  return missing(titleOf(source));
}

/** The streams of the namespace, and its groups and queues, whoever declared them. */
export async function describe({ api, settings }: NatsLink): Promise<readonly TopologyResource[]> {
  const { namespace } = settings;
  const resources: TopologyResource[] = [];
  for await (const { config, state } of api.streams.list(`${namespace}.>`)) {
    const { name: stream, description = '' } = config;
    if (!stream.startsWith(`${namespace}_`)) continue;
    const { messages, bytes, first_seq: first, last_seq: last } = state;
    resources.push({ kind: 'stream', name: stream, details: { description, messages, bytes, first, last } });
    const queue = queueOf(namespace, stream);
    const found = new Map<string, readonly [Taking, ConsumerInfo[]]>();
    if (queue !== undefined) found.set(titleOf(queue), [queue, []]);
    for await (const info of api.consumers.list(stream)) {
      const source = takingOf(namespace, stream, info.name);
      if (source === undefined) continue;
      const [, infos] = found.get(titleOf(source)) ?? [source, []];
      found.set(titleOf(source), [source, [...infos, info]]);
    }
    for (const [source, infos] of found.values()) resources.push(resourceOf(source, infos));
  }
  return resources;
}

/** Removes groups and queues with what is in them. @throws MessagingError `conflict` for what is in use */
export async function remove(link: NatsLink, absent: readonly Taking[]): Promise<void> {
  const { api, settings } = link;
  const all = await Promise.all(
    absent.map(async (source) => [source, await existingOf(link, source)] as const),
  );
  const used = all.find(([, infos]) => infos.some(isInUse));
  if (used !== undefined) {
    const advice = 'stop its consumers first; one that vanished counts for as long as its lease';
    throw fail('conflict', `${titleOf(used[0])} is in use: ${advice}`);
  }
  const removing = all.map(async ([source, infos]) => {
    const { stream } = placeOf(settings.namespace, source);
    if (source.kind === 'queue') return unlessMissing(api.streams.delete(stream));
    await Promise.all(infos.map(({ name }) => unlessMissing(api.consumers.delete(stream, name))));
    // What a consumer of this process knows that is paused: else the group would go on where it was.
    for (const { name } of infos) for (const own of link.floors) own.delete(`${stream}/${name}`);
    return api.streams.purge(stream, { filter: redrivesOf(settings.namespace, source.group) });
  });
  await Promise.all(removing);
  if (all.length > 0) await delay(DELETION_MS);
}

/** The durables of a group or queue, whatever its ordering. */
async function existingOf(link: NatsLink, source: Taking): Promise<readonly ConsumerInfo[]> {
  const lines = (['by-key', 'none'] as const).flatMap((each) => linesOf(link.settings, source, each));
  return (await infosOf(link, lines)).filter((info) => info !== undefined);
}

function lagIn(infos: readonly ConsumerInfo[]): number {
  return infos.reduce((sum, info) => sum + info.num_pending + info.num_ack_pending, 0);
}

/** Somebody asks for messages, or took, settled or extended a lease of one less than a lease ago. */
function isInUse({ config, num_waiting, delivered, ack_floor }: ConsumerInfo): boolean {
  const since = Date.now() - millis(config.ack_wait ?? 0);
  // The client calls the time that the server writes a number.
  return num_waiting > 0 || [delivered, ack_floor].some((each) => Date.parse(`${each.last_active}`) > since);
}

function resourceOf(source: Taking, infos: readonly ConsumerInfo[]): TopologyResource {
  const ordering = infos.some((info) => info.name.endsWith('_all')) ? 'none' : 'by-key';
  const types = source.kind === 'group' ? [...new Set(infos.flatMap(typesOf))].toSorted() : ['*'];
  const lag = lagIn(infos);
  const waitingPulls = infos.reduce((sum, info) => sum + info.num_waiting, 0);
  const details = { durables: infos.length, ordering, types: types.join(' '), unsettled: lag, waitingPulls };
  const consumption = { source, ordering, types, lag, inUse: infos.some(isInUse) } as const;
  return { kind: source.kind, name: nameOf(source), details, consumption };
}
