import type { ChannelModel } from 'amqplib';

/** Tests use four lanes. */
const QUEUES_OF_A_SOURCE = ['members', 'pump', 'all', 'unordered', '0', '1', '2', '3'];
const LONGEST_DELAY_MS = 60_000;

/** Removes what the driver makes for a namespace; `sources` are `grp.<group>` and `cmd.<context>`. What is not there is no matter. */
export async function sweepRabbitmq(
  raw: ChannelModel,
  namespace: string,
  sources: Iterable<string>,
): Promise<void> {
  const delays = [...delayLevels()].map((level) => `delay.${level}`);
  const lines = [...sources].flatMap((source) => QUEUES_OF_A_SOURCE.map((queue) => `${source}.${queue}`));
  const channel = await raw.createChannel();
  try {
    for (const name of ['evt.log', 'dead', ...delays, ...lines])
      await channel.deleteQueue(`${namespace}.${name}`);
    for (const name of ['evt', 'cmd', 'lanes', ...delays])
      await channel.deleteExchange(`${namespace}.${name}`);
  } finally {
    await channel.close();
  }
}

/** The grid of delays in the driver's README. */
function* delayLevels(): Generator<number> {
  for (let level = 50; level <= LONGEST_DELAY_MS; level = Math.ceil(level * 1.4)) yield level;
}
