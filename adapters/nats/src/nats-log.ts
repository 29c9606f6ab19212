import { pause, systemClock, type LogEntry, type LogKind, type Reading } from '@waggle/messaging';
import type { MsgHdrs } from 'nats';
import { roundTrip, type NatsLink } from './nats-connection.ts';
import { fail, unlessMissing } from './nats-errors.ts';
import { NatsMessage } from './nats-message.ts';
import { parseSubject, placeOf } from './nats-names.ts';
import { boundsOf, positionOf } from './nats-streams.ts';

/** Messages that are asked for side by side, and so the most that are held. */
const WINDOW = 64;
/** How often a reader looks for what is new that it did not hear of. */
const LOOK_MS = 250;

/** The position of the last entry; `undefined` if there never was one. */
export async function headOf(link: NatsLink, kind: LogKind): Promise<string | undefined> {
  const { last } = await boundsOf(link, kind);
  return last === 0 ? undefined : String(last);
}

/**
 * Reads a log by asking for one message after another: faster than by a consumer of the server in batches, nothing is
 * created, and no more is held than was asked for.
 */
export async function* readLog(link: NatsLink, kind: LogKind, reading: Reading): AsyncGenerator<LogEntry> {
  const { after, resumed, until, signal } = reading;
  const { stream, root } = placeOf(link.settings.namespace, { kind });
  const last = until === undefined ? Infinity : Number(until);
  const bell = createBell(link, kind === 'stream' ? `${root}.>` : root, signal);
  let next = resumed ? 1 + Number(after ?? 0) : 0;
  if (!resumed && after !== undefined) next = 1 + (await positionOf(link, kind, after));
  /** Who begins at the beginning begins at what is kept when the first entry is taken. */
  let begun = next > 0;
  try {
    while (next <= last && !signal.aborted) {
      const { first, last: head } = await boundsOf(link, kind);
      if (begun && first > next) throw fellBehind(stream, next);
      next = Math.max(next, first);
      const end = Math.min(head, last, next + WINDOW - 1);
      if (end < next) {
        await bell.wait();
        continue;
      }
      const places = Array.from({ length: end - next + 1 }, (_, index) => next + index);
      for (const msg of await Promise.all(places.map((place) => get(link, stream, place)))) {
        // Without one, somebody removed it, or the retention just did.
        if (msg === undefined && (await boundsOf(link, kind)).first > next) break;
        begun = true;
        const position = String(next++);
        const address = parseSubject(root, msg?.subject ?? root);
        // A redrive is for one group, and not for readers.
        if (msg === undefined || address.group !== undefined) continue;
        yield { message: new NatsMessage(msg, address), position };
        if (signal.aborted) return;
      }
    }
  } finally {
    bell.remove();
  }
}

/** The message at this place. A replica of the stream may not have it yet: that it is not there, only the leader knows. */
async function get({ client, api, settings }: NatsLink, stream: string, place: number) {
  const request = `{"seq":${place}}`;
  const timeout = settings.requestTimeoutMs;
  const { data, headers } = await client.request(`$JS.API.DIRECT.GET.${stream}`, request, { timeout });
  if (headers?.code !== 404) return { data, headers, subject: headers?.get('Nats-Subject') ?? '' };
  const stored = await unlessMissing(api.streams.getMessage(stream, { seq: place }));
  return stored && { data: stored.data, headers: stored.header as MsgHdrs, subject: stored.subject };
}

/** Rings when something is published, for who may hear it, or after `LOOK_MS`. */
function createBell(link: NatsLink, subject: string, signal: AbortSignal) {
  const { client } = link;
  let ears: ReturnType<typeof client.subscribe> | undefined;
  let rang = (): void => undefined;
  let isDeaf = false;
  const callback = (error: unknown): void => {
    isDeaf ||= error !== null;
    rang();
  };
  return {
    /** The first time it begins to listen: what came before was not heard, and is looked for at once. */
    async wait(): Promise<void> {
      if (isDeaf || ears?.isClosed() === false) {
        const early = (action: () => void) => {
          rang = action;
          return () => undefined;
        };
        return pause(systemClock, LOOK_MS, signal, early);
      }
      ears = client.subscribe(subject, { max: 1, callback });
      await roundTrip(link);
    },
    remove: () => ears?.unsubscribe(),
  };
}

function fellBehind(stream: string, place: number): Error {
  return fail('out-of-range', `${stream} no longer has ${place}: the reader fell behind`);
}
