import { expect, test } from 'vitest';
import { serverUrl } from '../setup/server-url.ts';
import { allCases, dealtCases, MOST_HOSTS, runCase, titleOf } from './cases.ts';
import { firstHalf } from './kill-points.ts';
import { inTurns } from './turns.ts';

/** As many as can run side by side, twice. Who comes after the first handler is killed in memory, and by `npm run chaos` on servers. */
const cases = dealtCases(firstHalf, 2 * MOST_HOSTS);
const inTurn = inTurns(MOST_HOSTS);

test('each kill point on the way of the first event is in one of the cases, where there is a store that comes to it', () => {
  const dealt = cases.flatMap(({ points }) => points);
  const all = allCases.flatMap(({ where, points }) => (where === 'in memory' ? [] : points));
  expect(new Set(dealt)).toEqual(new Set(all.filter((point) => firstHalf.includes(point))));
  expect(new Set(dealt).size).toBe(dealt.length);
});

test.concurrent.for(cases.map((each) => [titleOf(each), each] as const))(
  '%s: every effect happens exactly once',
  ([, each]) => inTurn(() => runCase(each, serverUrl)),
);
