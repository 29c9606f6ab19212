import { test } from 'vitest';
import { serverUrl } from '../setup/server-url.ts';
import { memoryCases, runCase, titleOf } from './cases.ts';

test.concurrent.for(memoryCases.map((each) => [titleOf(each), each] as const))(
  '%s: every effect happens exactly once',
  ([, each]) => runCase(each, serverUrl),
);
