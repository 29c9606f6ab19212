import type { ConfirmChannel } from 'amqplib';
import type { ConsumeOptions } from '@waggle/messaging';
import { membersQueue, queuesOf } from './rabbitmq-names.ts';
import { createPart, type Part } from './rabbitmq-part.ts';
import { createTap, type Consuming } from './rabbitmq-tap.ts';

/** Takes from every queue of a source. Rejects, and leaves nothing behind, if one of them cannot be consumed. */
export async function startConsumer(consuming: Consuming, ordering: ConsumeOptions['ordering']) {
  const { session, base } = consuming;
  const queues = queuesOf(base, ordering, session.settings.lanes);
  const parts = queues.map(({ name, lane }) => createPart(consuming, name, lane));
  const all = ordering === 'none' ? parts : [...parts, createMember(consuming, parts)];
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
 * of the others. Lanes only ever go from who has too many, so this comes to rest.
 */
function createMember(consuming: Consuming, parts: readonly Part[]) {
  const { shareIntervalMs = 1_000 } = consuming.session.options;
  const queue = membersQueue(consuming.base);
  async function share(channel: ConfirmChannel): Promise<void> {
    const { consumerCount } = await channel.checkQueue(queue);
    const most = Math.ceil((parts.length - 1) / consumerCount); // all but the one without order
    for (const [index, lane] of parts.filter(({ held }) => held).entries()) lane.yields = index >= most;
  }
  const opened = (channel: ConfirmChannel) => {
    const timer = setInterval(() => void share(channel).catch(() => undefined), shareIntervalMs);
    channel.once('close', () => clearInterval(timer));
    return () => undefined; // it is always empty
  };
  return createTap(consuming, queue, 1, opened);
}
