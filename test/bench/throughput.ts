import { obtainServer, type ServerKind } from '../servers/servers.ts';
import { hold, scoreOf, type Contest, type Figures } from './contest.ts';
import { contestsOn, priceOfTheLog, type Counts } from './contests.ts';
import { memoryContests } from './memory.ts';
import { natsPlace } from './nats.ts';
import { rabbitmqPlace } from './rabbitmq.ts';

export const BROKERS = ['memory', 'nats', 'rabbitmq'] as const;
export type Broker = (typeof BROKERS)[number];

export interface Section {
  readonly title: string;
  readonly figures: readonly Figures[];
}

export interface Scale extends Counts {
  /** Of each contestant, after one that is not counted. */
  readonly rounds: number;
}

/** Measures one broker; `told` hears of each row as it is known. */
export async function measure(
  broker: Broker,
  scale: Scale,
  told: (figures: Figures) => void = () => undefined,
): Promise<Section> {
  const run = async (contests: readonly Contest[]): Promise<readonly Figures[]> => {
    const all: Figures[] = [];
    for (const contest of contests) {
      const figures = await hold(contest, scale.rounds);
      told(figures);
      all.push(figures);
    }
    return all;
  };
  if (broker === 'memory') return { title: 'In memory', figures: await run(memoryContests(scale.count)) };
  return withServer(broker, async (url) => {
    const { place, contests } = await (broker === 'nats' ? onNats(url, scale) : onRabbitmq(url, scale));
    try {
      return { title: `${place.name} (${place.server})`, figures: await run(contests) };
    } finally {
      await place.close();
    }
  });
}

async function onNats(url: string, scale: Scale) {
  const place = await natsPlace(url);
  return { place, contests: contestsOn(place, { publish: 1.5, backlog: 1.5, endToEnd: 1.5 }, scale) };
}

async function onRabbitmq(url: string, scale: Scale) {
  const place = await rabbitmqPlace(url);
  const contests = contestsOn(place, { publish: 0.95, backlog: 1.2, endToEnd: 1.1 }, scale);
  return { place, contests: [...contests, priceOfTheLog(place, scale)] };
}

async function withServer<Result>(kind: ServerKind, work: (url: string) => Promise<Result>): Promise<Result> {
  const server = await obtainServer(kind, { log: (line) => console.error(line) });
  try {
    return await work(server.url);
  } finally {
    await server.stop();
  }
}

export function isKept(figures: Figures): boolean {
  const { atLeast = 0 } = figures.contest;
  return scoreOf(figures) >= atLeast;
}

/** As Markdown. */
export function tableOf({ title, figures }: Section): string {
  const rows = figures.map((each) => {
    const { contest, ours, other } = each;
    const isRatio = contest.other !== undefined;
    const promised =
      contest.atLeast === undefined ? '' : `≥ ${isRatio ? contest.atLeast : thousands(contest.atLeast)}`;
    const theirs = other === undefined ? '' : thousands(other);
    const ratio = isRatio ? scoreOf(each).toFixed(2) : '';
    return `| ${contest.title} | ${thousands(ours)} | ${theirs} | ${ratio} | ${promised} |`;
  });
  return [
    `### ${title}`,
    '',
    '| messages a second | ours | the other | ratio | promised |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}

const thousands = (figure: number): string => Math.round(figure).toLocaleString('en');
