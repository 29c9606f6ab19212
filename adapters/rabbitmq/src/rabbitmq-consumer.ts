import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { createLaneShare, type ConsumeOptions } from '@waggle/messaging';
import { membersQueue, queuesOf } from './rabbitmq-names.ts';
import { createPart, type Part } from './rabbitmq-part.ts';
import { createTap, type Consuming } from './rabbitmq-tap.ts';

/** Takes from every queue of a source. Rejects, and leaves nothing behind, if one of them cannot be consumed. */
export async function startConsumer(consuming: Consuming, ordering: ConsumeOptions['ordering']) {
  const { session, base } = consuming;
  const queues = queuesOf(base, ordering, session.settings.lanes);
  const parts = queues.map(({ name, lane }) => createPart(consuming, name, lane));
  const all = [...parts, createMember(consuming, parts)];
  const close = async () => void (await Promise.all(all.map((one) => one.close())));
  await Promise.all(all.map((one) => one.start())).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    pause: () => all.forEach((one) => one.pause()),
    resume: () => all.forEach((one) => one.resume()),
    close,
  };
}

/**
 * Every member consumes the members queue, so that the number of its consumers is the number of members, and looks once in a
 * while. The first member of a group is sent every lane; each that holds more than its share goes to the back of the line
 * of the others. Who has too few asks by way of the members queue.
 */
function createMember(consuming: Consuming, parts: readonly Part[]) {
  const { shareIntervalMs = 1_000 } = consuming.session.options;
  const queue = membersQueue(consuming.base);
  const share = createLaneShare(parts.length - 1); // all but the one without order

  /** Returns how many lanes are held. */
  function giveUpWhatIsTooMuch(): number {
    const held = parts.filter((part) => part.held);
    for (const [index, lane] of held.entries()) lane.yields = index >= share.most();
    return held.length;
  }

  async function look(channel: ConfirmChannel): Promise<void> {
    share.count((await channel.checkQueue(queue)).consumerCount);
    const asks = share.asks(giveUpWhatIsTooMuch());
    if (asks) consuming.ask(queue, shareIntervalMs);
  }

  const opened = (channel: ConfirmChannel) => {
    if (parts.length === 1) return () => undefined;
    const timer = setInterval(() => void look(channel).catch(() => undefined), shareIntervalMs);
    channel.once('close', () => clearInterval(timer));
    return (raw: ConsumeMessage): void => {
      channel.ack(raw);
      share.askedFor();
      giveUpWhatIsTooMuch();
    };
  };
  return createTap(consuming, queue, 1, opened);
}
