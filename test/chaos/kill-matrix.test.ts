import { test } from 'vitest';
import { serverUrl } from '../setup/server-url.ts';
import { dealtCases, MOST_HOSTS, runCase, titleOf } from './cases.ts';
import { firstHalf } from './kill-points.ts';
import { inTurns } from './turns.ts';

/** As many as can run side by side, twice. Who comes after the first handler is killed in memory, and by `npm run chaos` on servers. */
const cases = dealtCases(firstHalf, 2 * MOST_HOSTS);
const inTurn = inTurns(MOST_HOSTS);

test.concurrent.for(cases.map((each) => [titleOf(each), each] as const))(
  '%s: every effect happens exactly once',
  ([, each]) => inTurn(() => runCase(each, serverUrl)),
);
