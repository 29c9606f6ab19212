import type { Channel, ConsumeMessage } from 'amqplib';
import { type Lane } from '@waggle/messaging';
import { createAcks } from './rabbitmq-acks.ts';
import { closeChannel, keepChannel } from './rabbitmq-channel.ts';
import { asBuffer, attemptOf, copyProperties, laneOf, toIncoming } from './rabbitmq-codec.ts';
import type { ConsumerContext } from './rabbitmq-consumer.ts';

/** AMQP has 16 bits for it. */
const MAX_PREFETCH = 65_535;

export interface UnorderedConsumer {
  readonly attached: Promise<void>;
  readonly unsettled: number;
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

/**
 * One channel with a prefetch of `concurrency`. A retry becomes a copy in a delay queue, confirmed before the original is
 * acknowledged, so that it takes no place meanwhile; if it cannot be stored, the original goes back instead.
 */
export function consumeUnordered(
  context: ConsumerContext,
  queue: string,
  fixedLane: Lane | undefined,
): UnorderedConsumer {
  const { connection, settings, restore, concurrency } = context;
  const copies = new Set<Promise<void>>();
  let current: { sync: () => Promise<void>; flush: () => void } | undefined;
  let unsettled = 0;
  let paused = false;
  let closed = false;

  async function attach(channel: Channel): Promise<void> {
    const acks = createAcks(channel);
    /** Received while all places were taken, which only follows a pause with work left over. */
    const waiting: ConsumeMessage[] = [];
    let consumerTag: string | undefined;
    let open = true;
    unsettled = 0;
    channel.once('close', () => {
      open = false;
      unsettled = 0;
      current = undefined;
    });
    await channel.prefetch(Math.min(concurrency, MAX_PREFETCH));

    const giveBack = (raw: ConsumeMessage): void => acks.without(raw, () => channel.nack(raw, false, true));
    const receive = (raw: ConsumeMessage | null): void => {
      if (raw === null) return void closeChannel(channel);
      if (closed || !open) return;
      if (paused) giveBack(raw);
      else if (unsettled >= concurrency) waiting.push(raw);
      else handOut(raw);
    };
    const handOut = (raw: ConsumeMessage): void => {
      unsettled++;
      let settled = false;
      const settle = (how: () => void): void => {
        if (settled || !open || closed) return;
        settled = true;
        how();
      };
      const done = (how: () => void): void => {
        if (!open) return;
        unsettled--;
        how();
        const next = waiting.shift();
        if (next !== undefined && !closed) handOut(next);
      };
      const attempt = attemptOf(raw);
      context.deliver({
        message: toIncoming(raw),
        lane: fixedLane ?? laneOf(raw),
        attempt,
        ack: () => settle(() => done(() => acks.ack(raw))),
        retry: (delayMs) =>
          settle(() => {
            const requeue = (): void => done(() => acks.without(raw, () => channel.reject(raw, true)));
            if (delayMs <= 0) return requeue();
            const copying = copyInto(raw, delayMs, attempt).then((stored) =>
              stored ? done(() => acks.ack(raw)) : requeue(),
            );
            copies.add(copying);
            void copying.finally(() => copies.delete(copying));
          }),
        release: () => settle(() => done(() => giveBack(raw))),
      });
    };

    let chain = Promise.resolve();
    const sync = async (): Promise<void> => {
      if (paused && consumerTag !== undefined) {
        const tag = consumerTag;
        consumerTag = undefined;
        for (const raw of waiting.splice(0)) giveBack(raw);
        await channel.cancel(tag);
      } else if (!paused && consumerTag === undefined) {
        consumerTag = (await channel.consume(queue, receive)).consumerTag;
      }
    };
    current = {
      sync: () => (chain = chain.then(sync, sync)),
      flush: acks.flush,
    };
    await current.sync();
  }

  async function copyInto(raw: ConsumeMessage, delayMs: number, attempt: number): Promise<boolean> {
    try {
      const exchange = await context.delayExchange(delayMs);
      const shipment = {
        exchange,
        routingKey: queue,
        properties: copyProperties(raw, attempt),
        body: asBuffer(raw.content),
      };
      const outcome = await context.publisher.ship([shipment])[0];
      if (outcome === undefined) {
        context.delayed(delayMs);
        return true;
      }
      throw outcome;
    } catch (error) {
      settings.logger.warn('rabbitmq retry could not be delayed, handing back', {
        queue,
        reason: String(error),
      });
      return false;
    }
  }

  const kept = keepChannel({
    connection,
    logger: settings.logger,
    waitMs: settings.requestTimeoutMs,
    what: `consuming ${queue}`,
    attach,
    restore,
  });
  const sync = (): void => void current?.sync().catch(() => undefined);
  return {
    attached: kept.attached,
    get unsettled() {
      return unsettled;
    },
    pause() {
      paused = true;
      sync();
    },
    resume() {
      paused = false;
      sync();
    },
    async close() {
      paused = true;
      closed = true;
      await Promise.all(copies);
      current?.flush();
      current = undefined;
      await kept.close();
    },
  };
}
