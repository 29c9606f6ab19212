import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConfirmChannel, Message } from 'amqplib';
import { MessagingError } from '@waggle/kernel';
import type { DriverSettings, LogEntry, LogPosition, ReadLogOptions } from '@waggle/messaging';
import { closeChannel, endOf } from './rabbitmq-channel.ts';
import { MARKER_TYPE, streamOffset, toIncoming } from './rabbitmq-codec.ts';
import type { RabbitMqConnection } from './rabbitmq-connection.ts';
import { replyCode, translate, within } from './rabbitmq-errors.ts';

/** Most entries that wait here for the reader. */
const PREFETCH = 128;
const FOREVER_MS = 2 ** 31 - 1;

/** The offset of a cursor that is still kept. @throws MessagingError `invalid`, `out-of-range` */
export async function checkCursor(
  reading: Pick<LogReading, 'connection' | 'settings' | 'log'>,
  after: string,
): Promise<number> {
  const entries = readLog({ ...reading, from: { after }, follow: false, onAttached: () => undefined });
  await entries.next();
  await entries.return();
  return Number(after);
}

export interface LogReading extends ReadLogOptions {
  readonly connection: RabbitMqConnection;
  readonly settings: DriverSettings;
  /** The stream queue. */
  readonly log: string;
  /** Told when the place to begin is fixed: what is published after that will be read. */
  readonly onAttached: () => void;
}

/**
 * Reads a stream queue on a channel of its own. A stream tells neither its head nor that an offset is gone or yet to
 * come: a marker is written and read back to know the head, and reading begins *at* the cursor to see that it still is.
 * Begins with the first `next()`. After a lost connection it goes on behind the last entry.
 */
export async function* readLog(reading: LogReading): AsyncGenerator<LogEntry, void, undefined> {
  const { connection, settings, log, from, follow, signal } = reading;
  const { requestTimeoutMs } = settings;
  let after = parseCursor(from);
  let head: number | undefined;
  if (from === 'new' && !follow) return;
  const aborted = (): boolean => signal?.aborted === true;

  for (let attached = false; !aborted();) {
    const model = await connection.model(attached && follow ? FOREVER_MS : requestTimeoutMs);
    let channel: ConfirmChannel | undefined;
    let lost: Promise<unknown> | undefined;
    try {
      channel = await model.createConfirmChannel();
      lost = endOf(channel);
      if (head === undefined && (from !== 'beginning' || !follow)) {
        head = await within(requestTimeoutMs, `looking for the head of ${log}`, findHead(channel, log));
        if (after !== undefined && after >= head) throw outOfRange(log, after, 'lies past the head');
        if (from === 'new') after = head;
      }
      attached = true;
      reading.onAttached();
      let first = true;
      for await (const raw of deliveries(channel, log, after ?? 'first', signal)) {
        const offset = streamOffset(raw);
        if (first && after !== undefined && offset > after) throw outOfRange(log, after, 'is no longer kept');
        first = false;
        if (after !== undefined && offset <= after) continue;
        if (!follow && head !== undefined && offset >= head) return;
        after = offset;
        if (raw.properties.type !== MARKER_TYPE) yield { message: toIncoming(raw), position: String(offset) };
      }
    } catch (error) {
      if (error instanceof MessagingError || replyCode(error) !== undefined)
        throw translate(error, `reading ${log}`);
    } finally {
      if (channel !== undefined) await closeChannel(channel);
    }
    if (aborted()) return;
    const reason = await lost;
    if (replyCode(reason) === 404) throw translate(reason, `reading ${log}`);
    await sleep(50);
  }
}

/** What the server sends from an offset on, until the channel ends or the signal aborts. Taken as it is read. */
async function* deliveries(
  channel: Channel,
  log: string,
  from: number | 'first',
  signal: AbortSignal | undefined,
): AsyncGenerator<Message> {
  const buffer: Message[] = [];
  let ended = signal?.aborted === true;
  let wake = (): void => undefined;
  const end = (): void => {
    ended = true;
    wake();
  };
  channel.once('close', end);
  signal?.addEventListener('abort', end, { once: true });
  try {
    await channel.prefetch(PREFETCH);
    const receive = (raw: Message | null): void => {
      if (raw === null) return void closeChannel(channel);
      buffer.push(raw);
      wake();
    };
    await channel.consume(log, receive, { arguments: { 'x-stream-offset': from } });
    while (!ended) {
      const raw = buffer.shift();
      if (raw === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else {
        channel.ack(raw);
        yield raw;
      }
    }
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

/** Writes a marker to the end of the log, which no group sees, and reads it: its offset is the head. */
export async function findHead(channel: ConfirmChannel, log: string): Promise<number> {
  const id = randomUUID();
  const found = Promise.withResolvers<number>();
  channel.once('close', () => found.reject(new Error('channel closed')));
  found.promise.catch(() => undefined);
  await channel.prefetch(PREFETCH);
  const receive = (raw: Message | null): void => {
    if (raw === null) return void closeChannel(channel);
    channel.ack(raw);
    if (raw.properties.messageId === id) found.resolve(streamOffset(raw));
  };
  const { consumerTag } = await channel.consume(log, receive, { arguments: { 'x-stream-offset': 'next' } });
  // On the channel that consumes, so that the server handles it after the consumer has its place.
  channel.sendToQueue(log, Buffer.alloc(0), { persistent: true, messageId: id, type: MARKER_TYPE });
  const head = await found.promise;
  await channel.cancel(consumerTag);
  return head;
}

function parseCursor(from: LogPosition): number | undefined {
  if (typeof from === 'string') return undefined;
  const offset = /^\d+$/.test(from.after) ? Number(from.after) : Number.NaN;
  if (Number.isSafeInteger(offset)) return offset;
  throw new MessagingError(
    'invalid',
    `[rabbitmq] ${JSON.stringify(from.after.slice(0, 40))} is not a position of this log`,
  );
}

function outOfRange(log: string, after: number, why: string): MessagingError {
  return new MessagingError(
    'out-of-range',
    `[rabbitmq] position ${after} of ${log} ${why}: begin at 'beginning' or 'new'`,
  );
}
