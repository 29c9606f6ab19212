import type { LogEntry, ReadLogOptions } from '@waggle/messaging';
import { AckPolicy, createInbox, DeliverPolicy, nanos, ReplayPolicy, type Msg } from 'nats';
import { closedError, type NatsLink } from './nats-connection.ts';
import { fail } from './nats-errors.ts';
import type { NatsTopology } from './nats-topology.ts';
import { NatsMessage, parseReceipt, parseSubject, type Place } from './nats-wire.ts';

/** Messages that are asked for at a time, and so the most that are held. */
const BATCH = 64;
const PULL_MS = 5000;
const INACTIVE_MS = 60_000;

/**
 * Reads a log by an ephemeral consumer of the server, which is made anew behind the last position whenever something was
 * missed. Ends without an error when the signal aborts.
 */
export async function* readLog(
  link: NatsLink,
  topology: NatsTopology,
  place: Place,
  { from, follow, signal }: ReadLogOptions,
): AsyncGenerator<LogEntry, void, undefined> {
  if (signal?.aborted) return;
  let { next, last } = await topology.start(place, from);
  while (!signal?.aborted && (follow || next <= last)) {
    const cursor = openCursor(link, place, next, signal);
    try {
      await cursor.attach();
      for (;;) {
        const entry = await cursor.next();
        if (entry === undefined) break;
        next = entry.position + 1;
        if (entry.message !== undefined) yield { message: entry.message, position: String(entry.position) };
        if (signal?.aborted || (!follow && next > last)) return;
      }
    } finally {
      await cursor.close();
    }
    if (signal?.aborted) return;
    if (link.status === 'closed') throw closedError();
    const bounds = await topology.bounds(place);
    if (!follow) last = bounds.first > last ? next - 1 : last;
    else if (bounds.first > next)
      throw fail('out-of-range', `${place.stream} no longer has ${next}: the reader fell behind`);
  }
}

interface Read {
  readonly position: number;
  /** Absent where it is not for readers: a redrive. */
  readonly message: NatsMessage | undefined;
}

interface LogCursor {
  attach(): Promise<void>;
  /** `undefined` when it has to be made anew, or the reading was aborted. */
  next(): Promise<Read | undefined>;
  close(): Promise<void>;
}

function openCursor(link: NatsLink, place: Place, start: number, signal: AbortSignal | undefined): LogCursor {
  const inbox = createInbox(link.inboxPrefix);
  let name = '';
  let buffer: Read[] = [];
  let requested = 0;
  let expected = 1;
  let broken = false;
  let timer: NodeJS.Timeout | undefined;
  let wake: () => void = () => undefined;
  const stop = (): void => {
    broken = true;
    wake();
  };
  const receive = (msg: Msg): void => {
    const receipt = parseReceipt(msg.reply);
    if (receipt === undefined) {
      // 408 is the end of a request; whatever else it is, a new cursor is the answer.
      if (msg.headers?.code === 408) requested = 0;
      else broken = true;
    } else if (receipt.deliverySeq !== expected || receipt.streamSeq < start) broken = true;
    else {
      expected++;
      requested--;
      const address = parseSubject(place.root, msg.subject);
      buffer.push({
        position: receipt.streamSeq,
        message: address.group === undefined ? new NatsMessage(msg, address) : undefined,
      });
    }
    wake();
  };
  const subscription = link.up?.subscribe(inbox, {
    callback: (error, msg) => (error === null ? receive(msg) : stop()),
  });
  const forget = link.listen({ lost: stop });
  signal?.addEventListener('abort', stop, { once: true });

  const ask = (): void => {
    requested = BATCH;
    const request = `{"batch":${BATCH},"expires":${nanos(PULL_MS)}}`;
    link.tell(`$JS.API.CONSUMER.MSG.NEXT.${place.stream}.${name}`, request, inbox);
    clearTimeout(timer);
    timer = setTimeout(stop, 2 * PULL_MS);
  };

  return {
    async attach() {
      if (subscription === undefined) {
        broken = true;
        await link.ready(Date.now() + link.settings.requestTimeoutMs, signal).catch((error: unknown) => {
          if (!signal?.aborted) throw error;
        });
        return;
      }
      const created = await link.api(`read ${place.stream}`, (api) =>
        api.consumers.add(place.stream, {
          ack_policy: AckPolicy.None,
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: start,
          replay_policy: ReplayPolicy.Instant,
          inactive_threshold: nanos(INACTIVE_MS),
          mem_storage: true,
          num_replicas: 1,
        }),
      );
      name = created.name;
    },
    async next() {
      for (;;) {
        const entry = buffer.shift();
        if (entry !== undefined && !signal?.aborted) return entry;
        if (broken || signal?.aborted) return undefined;
        if (requested <= 0) ask();
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    async close() {
      clearTimeout(timer);
      forget();
      signal?.removeEventListener('abort', stop);
      subscription?.unsubscribe();
      buffer = [];
      if (name === '' || link.up === undefined) return;
      await link
        .api('end of reading', (api) => api.consumers.delete(place.stream, name))
        .catch(() => undefined);
    },
  };
}
