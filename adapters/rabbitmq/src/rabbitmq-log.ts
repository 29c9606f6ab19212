import { randomUUID } from 'node:crypto';
import { on } from 'node:events';
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import { MessagingError } from '@waggle/kernel';
import type { LogEntry, Reading } from '@waggle/messaging';
import { closed, openChannel } from './rabbitmq-channel.ts';
import { MARKER_TYPE, streamOffset, toIncoming } from './rabbitmq-codec.ts';
import { replyCode } from './rabbitmq-errors.ts';

/** Most entries that wait here for the reader. */
const PREFETCH = 128;

/**
 * Reads a stream queue. A stream tells neither its head nor that an offset is gone or yet to come: a marker is written and
 * read back to know the head, and reading begins *at* the cursor to see that it still is.
 */
export async function* readLog(model: ChannelModel, log: string, reading: Reading): AsyncGenerator<LogEntry> {
  const { after, resumed, until, signal } = reading;
  const fail = (code: 'invalid' | 'out-of-range', why: string): MessagingError => {
    const advice = "begin at 'beginning' or 'new'";
    return new MessagingError(code, `[rabbitmq] ${after?.slice(0, 40)} of ${log} ${why}: ${advice}`);
  };
  const cursor = Number(after ?? -1);
  if (after !== undefined && !/^\d{1,15}$/.test(after)) throw fail('invalid', 'is not a position');
  if (after !== undefined && !resumed) {
    const head = Number(until ?? (await findHead(model, log)));
    if (cursor >= head) throw fail('out-of-range', 'lies past the head');
  }
  let last: string | undefined;
  for await (const raw of entriesOf(model, log, after === undefined ? 'first' : cursor, { signal })) {
    const offset = streamOffset(raw);
    // Who was there before has missed nothing when the very next one is the first that is kept.
    const isGap = last === undefined && after !== undefined && offset > cursor + Number(resumed);
    if (isGap) throw fail('out-of-range', 'is no longer kept');
    if (until !== undefined && offset > Number(until)) return;
    last = String(offset);
    const isEntry = offset > cursor && raw.properties.type !== MARKER_TYPE;
    if (isEntry) yield { message: toIncoming(raw), position: last };
    if (last === until) return;
  }
  if (signal.aborted) return;
  // The server ended it alone.
  const place = last === undefined ? { after, resumed } : { after: last, resumed: true };
  yield* readLog(model, log, { ...place, until, signal });
}

interface How {
  readonly signal?: AbortSignal;
  readonly attached?: (channel: ConfirmChannel) => void;
}

/** What the server sends from an offset on, on a channel of its own, until that or the consumer ends. Acknowledged as it is taken. */
async function* entriesOf(model: ChannelModel, log: string, offset: number | string, how: How) {
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

/** Writes a marker to the end of the log, which no group sees, and reads it: its offset is the head. */
export async function findHead(model: ChannelModel, log: string): Promise<string> {
  const marker = { persistent: true, messageId: randomUUID(), type: MARKER_TYPE };
  // On the channel that consumes, so that the server handles it after the consumer has its place.
  const attached = (channel: ConfirmChannel) => void channel.sendToQueue(log, Buffer.alloc(0), marker);
  for await (const raw of entriesOf(model, log, 'next', { attached })) {
    if (raw.properties.messageId === marker.messageId) return String(streamOffset(raw));
  }
  throw new Error(`the channel ended while the head of ${log} was looked for`);
}
