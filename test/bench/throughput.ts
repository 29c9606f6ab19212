import { adapterTesting, adaptersWith } from '../adapters/discover.ts';
import { obtainServer, type RunningServer } from '../servers/servers.ts';
import { hold, scoreOf, type Contest, type Counts, type Figures } from './contest.ts';
import { contestsOn } from './contests.ts';
import { memoryContests } from './memory.ts';
import type { RelayTarget } from './store-place.ts';

/** What can be measured: the broker in memory, and what else brings a place to be measured in. */
async function subjectsOf(part: 'broker' | 'store'): Promise<readonly string[]> {
  return (await adaptersWith(part))
    .filter(({ part: { place } }) => place !== undefined)
    .map(({ name }) => name);
}

const [BROKERS, STORES] = [await subjectsOf('broker'), await subjectsOf('store')];
export const SUBJECTS: readonly string[] = [...new Set(['memory', ...BROKERS, ...STORES])];
export const isStore = (subject: string): boolean => STORES.includes(subject);

const log = (line: string): void => console.error(line);

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
  subject: string,
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
  const { server, broker, store } = await adapterTesting(subject);
  const at = <Result>(work: (url: string) => Promise<Result>): Promise<Result> =>
    server === undefined ? work('') : withServer(subject, work);
  return at(async (url) => {
    const brokerPlace = await broker?.place?.(url);
    if (brokerPlace !== undefined) {
      const { name, further } = brokerPlace;
      const contests = [...contestsOn(brokerPlace, scale), ...(further?.(scale) ?? [])];
      return { title: `${name} (${brokerPlace.server})`, figures: await closing(brokerPlace, run(contests)) };
    }
    const brokers = startedOnDemand();
    try {
      const place = await store?.place?.(url, brokers.relayTarget);
      if (place === undefined) throw new Error(`[waggle] "${subject}" brings no place to be measured in`);
      const figures = await closing(place, run(place.contests(scale.count, scale.rows)));
      return { title: place.server, figures };
    } finally {
      await brokers.stop();
    }
  });
}

async function closing<Result>(place: { close(): Promise<void> }, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } finally {
    await place.close();
  }
}

/** The first broker that an outbox can be relayed to, if there is one, and on its server once it is asked for. */
function startedOnDemand() {
  let server: RunningServer | undefined;
  return {
    async relayTarget(): Promise<RelayTarget | undefined> {
      for (const { name, part, testing } of await adaptersWith('broker')) {
        const { use, rawPublisher } = part;
        if (use === undefined || rawPublisher === undefined || testing.server === undefined) continue;
        server = await obtainServer(name, { log });
        return { name: testing.server.name, url: server.url, use, rawPublisher };
      }
      return undefined;
    },
    stop: async () => server?.stop(),
  };
}

async function withServer<Result>(kind: string, work: (url: string) => Promise<Result>): Promise<Result> {
  const server = await obtainServer(kind, { log });
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
