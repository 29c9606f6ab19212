import { setTimeout as delay } from 'node:timers/promises';
import type { LogEntry, LogKind, Reading } from '@waggle/messaging';
import { AckPolicy, DeliverPolicy, nanos, ReplayPolicy, type ConsumerMessages } from 'nats';
import type { NatsLink } from './nats-connection.ts';
import { fail } from './nats-errors.ts';
import { NatsMessage } from './nats-message.ts';
import { parseSubject, placeOf } from './nats-names.ts';
import { boundsOf, positionOf } from './nats-streams.ts';

/** Messages that are asked for at a time, and so the most that are held. */
const BATCH = 64;
const FETCH_MS = 30_000;
const ANEW_PAUSE_MS = 100;
const INACTIVE_MS = 300_000;

/** The position of the last entry; `undefined` if there never was one. */
export async function headOf(link: NatsLink, kind: LogKind): Promise<string | undefined> {
  const { last } = await boundsOf(link, kind);
  return last === 0 ? undefined : String(last);
}

/** Reads a log by ephemeral consumers of the server: another behind the last position whenever something was missed. */
export async function* readLog(link: NatsLink, kind: LogKind, reading: Reading): AsyncGenerator<LogEntry> {
  const { after, resumed, until, signal } = reading;
  const { stream, root } = placeOf(link.settings.namespace, { kind });
  const last = until === undefined ? Infinity : Number(until);
  let next = after === undefined ? 0 : 1 + (resumed ? Number(after) : await positionOf(link, kind, after));
  while (next <= last && !signal.aborted) {
    const { first } = await boundsOf(link, kind);
    const isMissed = first > next && next > 0 && until === undefined;
    if (isMissed) throw fail('out-of-range', `${stream} no longer has ${next}: the reader fell behind`);
    next = Math.max(next, first);
    for await (const msg of fetchFrom(link, stream, next, signal)) {
      next = msg.seq + 1;
      const address = parseSubject(root, msg.subject);
      // A redrive is for one group, and not for readers.
      const message = new NatsMessage(msg.data, msg.headers, address);
      if (address.group === undefined) yield { message, position: String(msg.seq) };
      if (next > last || signal.aborted) return;
    }
  }
}

/**
 * Batch by batch, so that no more is held than was asked for: the client's own ordered consumer asks ahead of its reader.
 * Ends when a message was missed, when the consumer is gone, and when nothing came for a while.
 */
async function* fetchFrom({ client, api }: NatsLink, stream: string, start: number, signal: AbortSignal) {
  const info = await api.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: start,
    replay_policy: ReplayPolicy.Instant,
    inactive_threshold: nanos(INACTIVE_MS),
    mem_storage: true,
    num_replicas: 1,
  });
  const consumer = client.jetstream().consumers.getPullConsumerFor(info);
  let batch: ConsumerMessages | undefined;
  const stop = (): void => batch?.stop();
  signal.addEventListener('abort', stop, { once: true });
  let delivered = 0;
  try {
    for (let before = -1; before < delivered && !signal.aborted;) {
      before = delivered;
      batch = await consumer.fetch({ max_messages: BATCH, expires: FETCH_MS });
      if (signal.aborted) stop();
      for await (const msg of batch) {
        if (msg.info.deliverySequence !== delivered + 1) return;
        delivered++;
        yield msg;
      }
    }
  } catch {
    // Somebody deleted the consumer, most likely.
    if (!signal.aborted) await delay(ANEW_PAUSE_MS);
  } finally {
    signal.removeEventListener('abort', stop);
    await api.consumers.delete(stream, info.name).catch(() => undefined);
  }
}
