import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
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

/** A member asks for lanes ever less often, up to once in so many looks, while nobody has any to give. */
const MOST_SILENCE = 32;
const NOTHING = Buffer.alloc(0);

/**
 * Every member consumes the members queue, so that the number of its consumers is the number of members, and looks once in a
 * while. The first member of a group is sent every lane; each that holds more than its share goes to the back of the line
 * of the others. Where the lanes cannot be shared out evenly, some may be left with none: who has less than the even share,
 * rounded down, asks one other after another, by way of the members queue, to go down to that. Lanes only ever go from who
 * has too many, so this comes to rest.
 */
function createMember(consuming: Consuming, parts: readonly Part[]) {
  const { shareIntervalMs = 1_000 } = consuming.session.options;
  const queue = membersQueue(consuming.base);
  const lanes = parts.length - 1; // all but the one without order
  let members = 1;
  let asked = false;
  let [looks, silence] = [0, 1];

  /** Returns how many lanes are held. */
  function giveUpWhatIsTooMuch(): number {
    const held = parts.filter((part) => part.held);
    const most = asked ? Math.floor(lanes / members) : Math.ceil(lanes / members);
    for (const [index, lane] of held.entries()) lane.yields = index >= most;
    return held.length;
  }

  async function share(channel: ConfirmChannel): Promise<void> {
    const { consumerCount } = await channel.checkQueue(queue);
    if (consumerCount !== members) silence = 1;
    members = Math.max(1, consumerCount);
    const held = giveUpWhatIsTooMuch();
    asked = false;
    if (held >= Math.floor(lanes / members)) return void ([looks, silence] = [0, 1]);
    if (++looks < silence) return;
    [looks, silence] = [0, Math.min(silence * 2, MOST_SILENCE)];
    channel.sendToQueue(queue, NOTHING, { expiration: shareIntervalMs });
  }

  const opened = (channel: ConfirmChannel) => {
    const timer = setInterval(() => void share(channel).catch(() => undefined), shareIntervalMs);
    channel.once('close', () => clearInterval(timer));
    return (raw: ConsumeMessage): void => {
      channel.ack(raw);
      asked = true;
      giveUpWhatIsTooMuch();
    };
  };
  return createTap(consuming, queue, 1, opened);
}
