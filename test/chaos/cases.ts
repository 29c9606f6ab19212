import type { StoreUse } from '../adapters/adapter-testing.ts';
import type { KillPoint } from './kill-points.ts';
import { killPoints } from './kill-points.ts';
import { memoryWorld } from './memory-world.ts';
import type { Pair, UrlOf } from './pairs.ts';
import { openPair, pairs } from './pairs.ts';
import { killAndRecover } from './scenario.ts';
import type { World } from './world.ts';

/** Each host is a process, and the servers need some of the machine, too. */
export const MOST_HOSTS = 3;

/** Hosts are killed at these points, one after another, on this broker and this store. */
export interface Case {
  readonly where: string;
  readonly points: readonly KillPoint[];
  open(urlOf: UrlOf): Promise<World>;
}

const isOn = ({ step }: KillPoint, { commitSteps }: Partial<StoreUse> = {}): boolean =>
  step === undefined || commitSteps?.steps.includes(step) === true;

const onPair = (pair: Pair, points: readonly KillPoint[]): Case => ({
  where: `on ${pair.broker.name} and ${pair.store.name}`,
  points,
  open: (urlOf) => openPair(pair, urlOf),
});

/** One for each point, in this process. */
export const memoryCases: readonly Case[] = killPoints
  .filter((point) => isOn(point))
  .map((point) => ({ where: 'in memory', points: [point], open: async () => memoryWorld() }));

/** One for each point on each pair. */
export const allCases: readonly Case[] = [
  ...memoryCases,
  ...pairs.flatMap((pair) =>
    killPoints.filter((point) => isOn(point, pair.store.use)).map((point) => onPair(pair, [point])),
  ),
];

/** Each point once, dealt to so many cases on the pairs by turns: with several points in a case, fewer hosts have to start. */
export function dealtCases(points: readonly KillPoint[], count: number): readonly Case[] {
  const turns = pairs.length === 0 ? 0 : Math.ceil(count / pairs.length);
  const hands = Array.from({ length: turns }, () => pairs)
    .flat()
    .slice(0, count)
    .map((pair) => ({ pair, points: new Set<KillPoint>() }));
  for (const point of points) {
    const able = hands.filter(({ pair }) => isOn(point, pair.store.use));
    const [fewest] = able.toSorted((one, other) => one.points.size - other.points.size);
    fewest?.points.add(point);
  }
  return hands.map((hand) => onPair(hand.pair, [...hand.points]));
}

export const titleOf = ({ where, points }: Case): string =>
  `${where}, killed ${points.map(({ when }) => when).join(', then ')}`;

/** @throws Error that says what happened otherwise; nothing is left of it either way */
export async function runCase({ points, open }: Case, urlOf: UrlOf): Promise<void> {
  const world = await open(urlOf);
  try {
    await killAndRecover(
      world,
      points.map(({ name }) => name),
    );
  } finally {
    await world.close();
  }
}
