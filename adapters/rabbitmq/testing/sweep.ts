import type { ChannelModel } from 'amqplib';

/** Tests use four lanes. */
const LANES = 4;
const QUEUES_OF_A_SOURCE = ['members', 'pump', 'all', 'unordered'];
const LONGEST_DELAY_MS = 60_000;

export interface SweepOptions {
  readonly lanes?: number;
  /** Levels that may have been made. @default all: each costs the server two questions */
  readonly delays?: Iterable<number>;
}

/** Removes what the driver makes for a namespace; `sources` are `grp.<group>` and `cmd.<context>`. What is not there is no matter. */
export async function sweepRabbitmq(
  raw: ChannelModel,
  namespace: string,
  sources: Iterable<string>,
  { lanes = LANES, delays: levels = delayLevels() }: SweepOptions = {},
): Promise<void> {
  const queues = [...QUEUES_OF_A_SOURCE, ...Array(lanes).keys()];
  const delays = [...levels].map((level) => `delay.${level}`);
  const lines = [...sources].flatMap((source) => queues.map((queue) => `${source}.${queue}`));
  const channel = await raw.createChannel();
  try {
    for (const name of ['evt.log', 'dead', 'groups', ...delays, ...lines])
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
