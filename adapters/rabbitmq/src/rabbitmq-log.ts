import { randomUUID } from 'node:crypto';
import { on } from 'node:events';
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import { MessagingError } from '@waggle/kernel';
import { persist, systemClock, type LogEntry, type Reading, type RegistryLog } from '@waggle/messaging';
import { closed, openChannel, withChannel } from './rabbitmq-channel.ts';
import { MARKER_TYPE, RECORD_TYPE, streamOffset, toIncoming } from './rabbitmq-codec.ts';
import { replyCode } from './rabbitmq-errors.ts';

/** Most entries that wait here for the reader. */
const PREFETCH = 128;

/**
 * Reads a stream queue. A stream tells neither its head nor that an offset is gone or yet to come: a marker is written and
 * read back to know the head, and reading begins *at* the cursor to see that it still is. Who is overtaken by the retention is
 * silently sent on to what is kept, and the server leaves offsets out where it begins a file: which of them it was, is asked.
 */
export async function* readLog(model: ChannelModel, log: string, reading: Reading): AsyncGenerator<LogEntry> {
  const { after, resumed, until, signal } = reading;
  let last = after;
  const fail = (code: 'invalid' | 'out-of-range', why: string): MessagingError => {
    const advice = "begin at 'beginning' or 'new'";
    return new MessagingError(code, `[rabbitmq] ${last?.slice(0, 40)} of ${log} ${why}: ${advice}`);
  };
  const cursor = Number(after ?? -1);
  if (after !== undefined && !/^\d{1,15}$/.test(after)) throw fail('invalid', 'is not a position');
  if (after !== undefined && !resumed) {
    const head = Number(until ?? (await findHead(model, log)));
    if (cursor >= head) throw fail('out-of-range', 'lies past the head');
  }
  let isFirst = true;
  /** Looks without an entry in between; none while the reader is busy with one. */
  let idle = 0;
  const attached = (channel: ConfirmChannel): void => nudge(channel, log, () => ++idle > 1);
  const how = { signal, ...(until !== undefined && { attached }) };
  for await (const raw of entriesOf(model, log, after === undefined ? 'first' : cursor, how)) {
    idle = -Infinity;
    const offset = streamOffset(raw);
    // Who was there before has missed nothing when the very next one is the first that is kept.
    const isGap = last !== undefined && offset > Number(last) + Number(!isFirst || resumed);
    if (isGap && (isFirst || !(await isKept(model, log, Number(last))))) {
      throw fail('out-of-range', 'is no longer kept, nor is what followed');
    }
    if (until !== undefined && offset > Number(until)) return;
    [last, isFirst] = [String(offset), false];
    const isEntry = offset > cursor && raw.properties.type !== MARKER_TYPE;
    if (isEntry) yield { message: toIncoming(raw), position: last };
    if (last === until) return;
    idle = 0;
  }
  if (signal.aborted) return;
  // The server ended it alone.
  yield* readLog(model, log, { after: last, resumed: resumed || !isFirst, until, signal });
}

/** Whether an offset, and so everything behind it, is still kept. */
export async function isKept(model: ChannelModel, log: string, offset: number): Promise<boolean> {
  return (await findFirst(model, log, offset)) === offset;
}

/** The first offset that is kept, of those from one on. */
export function findFirst(
  model: ChannelModel,
  log: string,
  from: number | 'first' = 'first',
): Promise<number> {
  const attached = (channel: ConfirmChannel): void => nudge(channel, log, () => true);
  return find(model, log, from, attached, () => true);
}

type How = { readonly signal?: AbortSignal; readonly attached?: (channel: ConfirmChannel) => void };

/** What the server sends from an offset on, on a channel of its own, until that or the consumer ends. Acknowledged as it is taken. */
export async function* entriesOf(model: ChannelModel, log: string, offset: number | string, how: How) {
  const { signal, attached } = how;
  const channel = await openChannel(model);
  try {
    const incoming = on(channel, 'delivery', { close: ['close', 'cancel'], ...(signal && { signal }) });
    await channel.prefetch(PREFETCH);
    await channel.consume(log, () => undefined, { arguments: { 'x-stream-offset': offset } });
    attached?.(channel);
    for await (const [delivery] of incoming) {
      const raw: ConsumeMessage = delivery;
      channel.ack(raw);
      yield raw;
    }
  } catch (error) {
    if (replyCode(error) !== 406) throw error; // else the reader took longer than the server's `consumer_timeout`
  } finally {
    void closed(channel);
  }
}

const MARKER = { persistent: true, type: MARKER_TYPE };
const NOTHING = Buffer.alloc(0);
const NUDGE_MS = 1_000;

/** Who is overtaken by the retention may be left waiting until something is written: writes a marker whenever it `isDue`. */
export function nudge(channel: ConfirmChannel, log: string, isDue: () => boolean): void {
  const look = async (): Promise<unknown> => isDue() && channel.sendToQueue(log, NOTHING, MARKER);
  const timer = setInterval(() => void look().catch(() => undefined), NUDGE_MS);
  channel.once('close', () => clearInterval(timer));
}

/** Writes a marker to the end of the log, which no group sees, and reads it: its offset is the head. */
export async function findHead(model: ChannelModel, log: string): Promise<string> {
  const marker = { ...MARKER, messageId: randomUUID() };
  // On the channel that consumes, so that the server handles it after the consumer has its place.
  const attached = (channel: ConfirmChannel) => void channel.sendToQueue(log, NOTHING, marker);
  const isMarker = (raw: ConsumeMessage): boolean => raw.properties.messageId === marker.messageId;
  return String(await find(model, log, 'next', attached, isMarker));
}

/** How long a busy server may take to create a stream that somebody else declares. */
export const CREATION_MS = 10_000;
const NEVER = new AbortController().signal;

/** The server ended a reading, and nothing else: it does so while a stream is being created, or moved. */
class Cut extends Error {
  override readonly name = 'Cut';
}

/** The offset of the first entry that is meant. What the server cuts off is begun again. */
function find(
  model: ChannelModel,
  log: string,
  from: number | string,
  attached: (channel: ConfirmChannel) => void,
  isMeant: (raw: ConsumeMessage) => boolean,
): Promise<number> {
  const isCut = (error: unknown): boolean => error instanceof Cut;
  return persist(systemClock, NEVER, isCut, CREATION_MS, async () => {
    for await (const raw of entriesOf(model, log, from, { attached })) {
      if (isMeant(raw)) return streamOffset(raw);
    }
    throw new Cut(`the server ended the reading of ${log} before it came to what was looked for`);
  });
}

/**
 * A stream queue that holds what was declared. Who reads one that another process is just creating is cancelled, and may ask
 * again; or loses the connection, which is for whoever made that.
 */
export function registryLog(model: ChannelModel, log: string, signal: AbortSignal): RegistryLog {
  const mayPass = (error: unknown): boolean => replyCode(error) === undefined;
  return {
    persist: (reading) => persist(systemClock, signal, mayPass, CREATION_MS, reading),
    head: async () => Number(await findHead(model, log)),
    async *read(from) {
      for await (const raw of entriesOf(model, log, from, { signal })) {
        const isRecord = raw.properties.type === RECORD_TYPE;
        yield { offset: streamOffset(raw), text: isRecord ? raw.content.toString('utf8') : undefined };
      }
    },
    append: (text) =>
      withChannel(model, async (channel) => {
        channel.sendToQueue(log, Buffer.from(text), { persistent: true, type: RECORD_TYPE });
        await channel.waitForConfirms();
      }),
  };
}
