import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfirmChannel, ConsumeMessage, Message, Options } from 'amqplib';
import { matchesType, MessagingError } from '@waggle/kernel';
import type { BrokerConnection, LogPosition } from '@waggle/messaging';
import { keepChannel, withChannel, type Attach } from './rabbitmq-channel.ts';
import { copyProperties, laneOf, MARKER_TYPE, streamOffset } from './rabbitmq-codec.ts';
import { findHead, readLog } from './rabbitmq-log.ts';
import { allQueue, laneQueue, parseRoutingKey, pumpQueue } from './rabbitmq-names.ts';
import type { Pumped, Session } from './rabbitmq-session.ts';

const BATCH = 256;
/** More than ever exist at a time: the one that is held, its successor, and what a crash left. */
const CHECKPOINTS = 16;
const CHECKPOINT_ATTEMPTS = 20;

/**
 * Copies the stream to the queues of a group that does not begin at "new", for good: such queues are never bound, so
 * that history and live events come by one way, without a cut-over, a gap or an inversion.
 *
 * Lock and checkpoint are one message in a single-active-consumer queue; its body is the last offset that was copied.
 * Who is sent it, copies. After each confirmed batch the next checkpoint is published, and the old one acknowledged
 * once the next has come back: after a crash there may be two, and the greater counts. All of this is on one channel, so
 * that who has lost the lock cannot copy any more. Ends with the connection.
 */
export function startPump(session: Session, pumped: Pumped, declare: BrokerConnection['declare']): void {
  if (pumped.session === session) return;
  pumped.session = session;
  const { log } = session.names;
  const base = session.names.base({ kind: 'group', group: pumped.declaration.group });

  const attach: Attach = async (channel, end, before) => {
    if (before !== undefined) await declare({ queues: [], groups: [pumped.declaration], absent: [] });
    let held: Message | undefined;
    let open = true;
    const stop = (reason: unknown): void => {
      open = false;
      end(reason);
    };
    const receive = (checkpoint: ConsumeMessage | null): void => {
      if (checkpoint === null) return stop(new Error(`the server cancelled the pump of ${base}`));
      const before = held;
      const isLater = before === undefined || offsetOf(checkpoint) > offsetOf(before);
      if (before !== undefined) channel.ack(isLater ? before : checkpoint);
      if (!isLater) return;
      held = checkpoint;
      pumped.offset = offsetOf(checkpoint);
      if (before === undefined) copy(offsetOf(checkpoint)).catch(stop);
    };

    /** From the checkpoint on, batch by batch. */
    async function copy(from: number): Promise<void> {
      const buffer: ConsumeMessage[] = [];
      let working = false;
      const work = async (): Promise<void> => {
        if (working) return;
        working = true;
        for (let batch = buffer.splice(0); batch.length > 0; batch = buffer.splice(0)) {
          const done = held === undefined ? from : offsetOf(held);
          const fresh = batch.filter((raw) => streamOffset(raw) > done);
          await Promise.all(fresh.map((raw) => forward(channel, raw)));
          if (!open) return; // else a message that was returned would count as copied
          const last = fresh.at(-1);
          if (last !== undefined) await send(channel, pumpQueue(base), checkpointBody(streamOffset(last)));
          for (const raw of batch) channel.ack(raw);
        }
        working = false;
      };
      const receiveEvent = (raw: ConsumeMessage | null): void => {
        if (raw === null) return stop(new Error(`the server cancelled the reading of ${log}`));
        buffer.push(raw);
        setImmediate(() => void work().catch(stop));
      };
      await channel.prefetch(BATCH);
      const place = { arguments: { 'x-stream-offset': from < 0 ? 'first' : from } };
      await channel.consume(log, receiveEvent, place);
    }

    channel.on('return', ({ fields }) => stop(new Error(`queue ${fields.routingKey} is gone`)));
    await channel.prefetch(CHECKPOINTS);
    await channel.consume(pumpQueue(base), receive);
  };

  async function forward(channel: ConfirmChannel, raw: Message): Promise<void> {
    const { types, ordering } = pumped.declaration;
    const type = parseRoutingKey(raw.fields.routingKey)?.type;
    if (type === undefined || raw.properties.type === MARKER_TYPE) return;
    if (!types.some((pattern) => matchesType(pattern, type))) return;
    const queue = ordering === 'none' ? allQueue(base) : laneQueue(base, laneOf(raw));
    await send(channel, queue, raw.content, copyProperties(raw, 0));
  }

  void keepChannel(session, `copying to ${base}`, attach);
}

/**
 * Puts the first checkpoint into the pump's queue, unless there is one or somebody holds it: a group begins `from` there, or
 * behind an offset up to which it is known to be served. A queue that another process is just creating refuses for a
 * moment, so it is tried again. @throws MessagingError `out-of-range`, `invalid`
 */
export async function declarePump(session: Session, base: string, from: LogPosition | number): Promise<void> {
  const { model, gone, names } = session;
  async function begin(): Promise<number> {
    if (typeof from === 'number') return from;
    if (from === 'beginning') return -1;
    const head = await findHead(model, names.log);
    if (from === 'new') return Number(head);
    const entries = readLog(model, names.log, {
      after: from.after,
      resumed: false,
      until: head,
      signal: gone,
    });
    await entries.next(); // which looks whether the cursor is kept
    await entries.return(undefined);
    return Number(from.after);
  }
  await withChannel(model, async (channel) => {
    for (let attempt = 1; ; attempt++) {
      const { messageCount, consumerCount } = await channel.checkQueue(pumpQueue(base));
      if (messageCount > 0 || consumerCount > 0) return;
      try {
        return await send(channel, pumpQueue(base), checkpointBody(await begin()));
      } catch (error) {
        if (error instanceof MessagingError || attempt === CHECKPOINT_ATTEMPTS) throw error;
        await sleep(50);
      }
    }
  });
}

const checkpointBody = (offset: number): Buffer => Buffer.from(String(offset));
const offsetOf = (checkpoint: Message): number => Number(checkpoint.content.toString('latin1'));

/** Resolves when it is confirmed, returned messages too. */
function send(
  channel: ConfirmChannel,
  queue: string,
  body: Buffer,
  properties: Options.Publish = {},
): Promise<void> {
  const options = { ...properties, persistent: true, mandatory: true };
  return new Promise((resolve, reject) => {
    channel.sendToQueue(queue, body, options, (error: unknown) =>
      error instanceof Error ? reject(error) : resolve(),
    );
  });
}
