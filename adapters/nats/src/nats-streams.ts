import { setTimeout as delay } from 'node:timers/promises';
import type { Destination, LogKind } from '@waggle/messaging';
import { DiscardPolicy, nanos, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from 'nats';
import type { NatsLink } from './nats-connection.ts';
import { differs, fail, missing, translate, unlessMissing } from './nats-errors.ts';
import { placeOf } from './nats-names.ts';

/** A publication is sent again after a reconnect: the server must still know it. */
const DUPLICATE_WINDOW_MS = 120_000;
const CREATION_TRIES = 20;
const CREATION_PAUSE_MS = 50;
/** What must not differ. Limits are in nanoseconds and bytes. */
const COMPARED = [
  'description',
  'subjects',
  'retention',
  'max_age',
  'max_bytes',
  'storage',
  'allow_direct',
] as const;

/**
 * Compares the stream of a source with what exists, or creates it where that is allowed.
 * @throws MessagingError `conflict`, which names both values, `unroutable`
 */
export async function ensureStream(link: NatsLink, source: Destination): Promise<void> {
  const wanted = configOf(link, source);
  for (let tries = 0; ; tries++) {
    const existing = await unlessMissing(link.api.streams.info(wanted.name));
    if (existing !== undefined) compare(wanted, existing.config);
    else if (link.settings.topology === 'bind') throw missing(`stream ${wanted.name}`);
    try {
      return remember(link, existing ?? (await link.api.streams.add(wanted)));
    } catch (error) {
      // What the server says while another process creates the same stream; also what it says of a real overlap.
      const problem = translate(error, `stream ${wanted.name}`);
      if (problem.code !== 'conflict') throw problem;
      const [subject = ''] = wanted.subjects;
      const owner = tries < CREATION_TRIES ? wanted.name : await link.api.streams.find(subject);
      if (owner !== wanted.name) throw differs(`subject "${subject}"`, 'stream', owner, wanted.name);
      await delay(CREATION_PAUSE_MS);
    }
  }
}

/** A stream that was made anew, because it was lost with its storage, counts from the beginning again. */
function remember({ floors, created }: NatsLink, { config: { name }, created: when }: StreamInfo): void {
  for (const own of created.get(name) === when ? [] : floors) {
    for (const key of own.keys()) if (key.startsWith(`${name}/`)) own.set(key, 0);
  }
  created.set(name, when);
}

/** Of a queue nothing goes but what is done. */
function configOf({ settings, options }: NatsLink, source: Destination) {
  const { stream, root } = placeOf(settings.namespace, source);
  const { maxAgeMs, maxBytes } = settings.retention;
  const isQueue = source.kind === 'queue';
  const maxAge = isQueue || !Number.isFinite(maxAgeMs) ? 0 : nanos(maxAgeMs);
  const window = nanos(Math.max(DUPLICATE_WINDOW_MS, 2 * settings.requestTimeoutMs));
  return {
    name: stream,
    // Dead letters have one subject, and no lanes.
    subjects: [source.kind === 'dead-letters' ? root : `${root}.>`],
    // 2.9 ignores metadata: the description keeps the lane count.
    description: `waggle lanes=${settings.lanes}`,
    retention: isQueue ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    max_age: maxAge,
    max_bytes: isQueue || !Number.isFinite(maxBytes) ? -1 : maxBytes,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    duplicate_window: maxAge > 0 ? Math.min(window, maxAge) : window,
    num_replicas: options.replicas ?? 1,
    allow_direct: true,
  };
}

function compare(wanted: ReturnType<typeof configOf>, existing: StreamConfig): void {
  for (const what of COMPARED) {
    const [ours, theirs] = [String(wanted[what]), String(existing[what])];
    if (theirs === ours) continue;
    throw differs(`stream ${wanted.name}`, what, theirs, ours);
  }
}

/** The first and last position of a log. An empty one has its first behind its last. */
export async function boundsOf({ api, settings }: NatsLink, kind: LogKind) {
  const { state } = await api.streams.info(placeOf(settings.namespace, { kind }).stream);
  return { first: state.messages === 0 ? state.last_seq + 1 : state.first_seq, last: state.last_seq };
}

/** @throws MessagingError `invalid` for what cannot be one of this broker, `out-of-range` for one that is not kept */
export async function positionOf(link: NatsLink, kind: LogKind, cursor: string): Promise<number> {
  if (!/^[0-9]{1,15}$/.test(cursor)) throw fail('invalid', `"${cursor}" is not a position of this broker`);
  const position = Number(cursor);
  const { first, last } = await boundsOf(link, kind);
  if (position >= first && position <= last) return position;
  throw fail('out-of-range', `the log has ${first} to ${last}, and not ${position}: begin elsewhere`);
}
