import { obtainServer } from '../servers/servers.ts';
import { hold, scoreOf, type Contest, type Figures } from './contest.ts';
import { contestsOn, priceOfTheLog, type Counts } from './contests.ts';
import { memoryContests } from './memory.ts';
import { natsPlace } from './nats.ts';
import { rabbitmqPlace } from './rabbitmq.ts';
import { postgresPlace, sqlitePlace } from './stores.ts';

export const SUBJECTS = ['memory', 'nats', 'rabbitmq', 'sqlite', 'postgres'] as const;
export type Subject = (typeof SUBJECTS)[number];
export const isStore = (subject: Subject): boolean => subject === 'sqlite' || subject === 'postgres';

export interface Section {
  readonly title: string;
  readonly figures: readonly Figures[];
}

export interface Scale extends Counts {
  /** Of each contestant, after one that is not counted. */
  readonly rounds: number;
  /** In each table of a store, where it shall make no difference. */
  readonly rows: number;
}

/** Measures one broker or store; `told` hears of each row as it is known. */
export async function measure(
  subject: Subject,
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
  if (subject === 'memory') return { title: 'In memory', figures: await run(memoryContests(scale.count)) };
  if (subject === 'sqlite') {
    const place = await sqlitePlace();
    try {
      return { title: 'SQLite (WAL, synchronous=normal)', figures: await run(place.contests(scale.count)) };
    } finally {
      await place.close();
    }
  }
  if (subject === 'postgres')
    return withServer('postgres', (url) =>
      withServer('nats', async (natsUrl) => {
        const place = await postgresPlace(url, natsUrl);
        try {
          return { title: place.server, figures: await run(place.contests(scale.count, scale.rows)) };
        } finally {
          await place.close();
        }
      }),
    );
  return withServer(subject, async (url) => {
    const { place, contests } = await (subject === 'nats' ? onNats(url, scale) : onRabbitmq(url, scale));
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

async function withServer<Result>(kind: string, work: (url: string) => Promise<Result>): Promise<Result> {
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
      contest.atLeast === undefined
        ? ''
        : `≥ ${isRatio ? Number(contest.atLeast.toFixed(2)) : thousands(contest.atLeast)}`;
    const theirs = other === undefined ? '' : thousands(other);
    const ratio = isRatio ? scoreOf(each).toFixed(2) : '';
    return `| ${contest.title} | ${thousands(ours)} | ${theirs} | ${ratio} | ${promised} |`;
  });
  return [
    `### ${title}`,
    '',
    '| messages or events a second | ours | the other | ratio | promised |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}

const thousands = (figure: number): string => Math.round(figure).toLocaleString('en');
