import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfirmChannel, Message } from 'amqplib';
import { matchesType, messageOf } from '@waggle/kernel';
import type { DriverSettings } from '@waggle/messaging';
import { closeChannel, keepChannel } from './rabbitmq-channel.ts';
import { copyProperties, laneOf, MARKER_TYPE, streamOffset } from './rabbitmq-codec.ts';
import type { RabbitMqConnection } from './rabbitmq-connection.ts';
import { allQueue, laneQueue, parseRoutingKey, pumpQueue } from './rabbitmq-names.ts';

export interface Pumping {
  readonly connection: RabbitMqConnection;
  readonly settings: DriverSettings;
  /** The stream queue that is copied from. */
  readonly log: string;
  /** What the queues of the group begin with. */
  readonly base: string;
  readonly ordering: 'by-key' | 'none';
  readonly types: () => readonly string[];
  readonly restore: () => Promise<void>;
}

export interface Pump {
  /** Offset up to which this process knows the group to be served. */
  readonly position: number | undefined;
  close(): Promise<void>;
}

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
 * that who has lost the lock cannot copy any more.
 */
export function startPump(pumping: Pumping): Pump {
  const { connection, settings, base, restore } = pumping;
  let position: number | undefined;

  async function attach(channel: ConfirmChannel): Promise<void> {
    let held: Message | undefined;
    let open = true;
    channel.once('close', () => {
      open = false;
    });
    await channel.prefetch(CHECKPOINTS);
    const receive = (checkpoint: Message | null): void => {
      if (checkpoint === null) return void closeChannel(channel);
      const starts = held === undefined;
      const offset = offsetOf(checkpoint);
      if (held !== undefined) channel.ack(offset > offsetOf(held) ? held : checkpoint);
      if (held === undefined || offset > offsetOf(held)) held = checkpoint;
      position = offsetOf(held);
      if (starts) void copy(() => position ?? offset).catch(fail);
    };
    const fail = (error: unknown): void => {
      if (!open) return;
      open = false;
      settings.logger.warn('rabbitmq pump stopped, starting again', { base, reason: messageOf(error) });
      void restore()
        .catch(() => undefined)
        .finally(() => void closeChannel(channel));
    };

    channel.on('return', (raw) => fail(new Error(`queue ${raw.fields.routingKey} is gone`)));

    async function copy(done: () => number): Promise<void> {
      const buffer: Message[] = [];
      let working = false;
      const work = async (): Promise<void> => {
        if (working) return;
        working = true;
        for (let batch = buffer.splice(0); batch.length > 0 && open; batch = buffer.splice(0)) {
          await Promise.all(
            batch.filter((raw) => streamOffset(raw) > done()).map((raw) => forward(channel, raw)),
          );
          const last = batch.at(-1);
          if (last === undefined || !open) return;
          if (streamOffset(last) > done())
            await publish(channel, pumpQueue(base), checkpointBody(streamOffset(last)), {});
          for (const raw of batch) channel.ack(raw);
        }
        working = false;
      };
      await channel.prefetch(BATCH);
      const receiveEvent = (raw: Message | null): void => {
        if (raw === null) return void closeChannel(channel);
        buffer.push(raw);
        setImmediate(() => void work().catch(fail));
      };
      const from = done();
      await channel.consume(pumping.log, receiveEvent, {
        arguments: { 'x-stream-offset': from < 0 ? 'first' : from },
      });
    }

    await channel.consume(pumpQueue(base), receive);
  }

  async function forward(channel: ConfirmChannel, raw: Message): Promise<void> {
    const routed = parseRoutingKey(raw.fields.routingKey);
    if (routed === undefined || raw.properties.type === MARKER_TYPE) return;
    if (!pumping.types().some((pattern) => matchesType(pattern, routed.type))) return;
    const queue = pumping.ordering === 'none' ? allQueue(base) : laneQueue(base, laneOf(raw));
    await publish(channel, queue, raw.content, copyProperties(raw, 0));
  }

  const kept = keepChannel({
    connection,
    logger: settings.logger,
    waitMs: settings.requestTimeoutMs,
    what: `copying to ${base}`,
    attach,
    restore,
  });
  return {
    get position() {
      return position;
    },
    close: () => kept.close(),
  };
}

/**
 * Puts the first checkpoint into the pump's queue, unless there is one or somebody holds it. A queue that another process
 * is just creating refuses for a moment, so it is tried again.
 */
export async function createCheckpoint(
  channel: ConfirmChannel,
  base: string,
  begin: () => Promise<number>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { messageCount, consumerCount } = await channel.checkQueue(pumpQueue(base));
    if (messageCount > 0 || consumerCount > 0) return;
    const offset = await begin();
    try {
      return await publish(channel, pumpQueue(base), checkpointBody(offset), {});
    } catch (error) {
      if (attempt === CHECKPOINT_ATTEMPTS) throw error;
      await sleep(50);
    }
  }
}

const checkpointBody = (offset: number): Buffer => Buffer.from(String(offset));
const offsetOf = (checkpoint: Message): number => Number(checkpoint.content.toString('latin1'));

function publish(
  channel: ConfirmChannel,
  queue: string,
  body: Buffer,
  properties: ReturnType<typeof copyProperties>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const properly = { ...properties, persistent: true, mandatory: true };
    channel.sendToQueue(queue, body, properly, (error: unknown) =>
      error instanceof Error ? reject(error) : resolve(),
    );
  });
}
