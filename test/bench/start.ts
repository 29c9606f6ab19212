import { machine } from './machine.ts';
import { measureStart } from './start-time.ts';

const RUNS = 11;
const GOAL_MS = 400;

const { nodeMs, hostMs, firstHostMs } = await measureStart(RUNS);
const line = (what: string, ms: number): string => `  ${what.padEnd(44)}${ms.toFixed(0).padStart(6)} ms`;
console.log(
  [
    `Start of the host, all services in memory; median of ${RUNS}, by turns`,
    line('node alone', nodeMs),
    line('the host, from spawn to "started"', hostMs),
    line(`what Waggle adds (goal: below ${GOAL_MS} ms)`, hostMs - nodeMs),
    line('the host where nothing is compiled yet', firstHostMs),
    `  ${machine()}`,
  ].join('\n'),
);
