import { parseArgs } from 'node:util';
import type { RunningServer } from '../servers/servers.ts';
import { obtainServer } from '../servers/servers.ts';
import type { Case } from './cases.ts';
import { allCases, MOST_HOSTS, runCase, titleOf } from './cases.ts';
import { inTurns } from './turns.ts';

/** `npm run chaos [-- words]`: a host is killed at every point on every pair, or in those cases whose line has all of the words. */
const { positionals: words } = parseArgs({ allowPositionals: true });
const chosen = allCases.filter((each) => words.every((word) => titleOf(each).includes(word)));
const log = (line: string): void => console.error(`[waggle] ${line}`);

const servers = new Map<string, Promise<RunningServer>>();
async function urlOf(kind: string): Promise<string> {
  const server = servers.get(kind) ?? obtainServer(kind, { log });
  servers.set(kind, server);
  return (await server).url;
}

let ran = 0;
let failed = 0;
let isInterrupted = false;
// The hosts hear of it as well; their cases fail, and are cleaned up after.
process.once('SIGINT', () => (isInterrupted = true));

async function run(each: Case): Promise<void> {
  if (isInterrupted) return;
  ran++;
  const since = performance.now();
  const tell = (outcome: string): void => {
    const seconds = ((performance.now() - since) / 1000).toFixed(1);
    console.log(`${outcome.padEnd(6)} ${seconds.padStart(5)} s  ${titleOf(each)}`);
  };
  try {
    await runCase(each, urlOf);
    tell('once');
  } catch (error) {
    failed++;
    tell('FAILED');
    console.log(error instanceof Error ? error.message : error);
  }
}

const inTurn = inTurns(MOST_HOSTS);
const since = performance.now();
try {
  await Promise.all(chosen.map((each) => inTurn(() => run(each))));
} finally {
  for (const server of await Promise.allSettled(servers.values()))
    if (server.status === 'fulfilled') await server.value.stop();
}
const seconds = Math.round((performance.now() - since) / 1000);
console.log(`${ran} of ${chosen.length} cases, ${failed} failed, ${seconds} s`);
process.exitCode = failed === 0 && ran > 0 && ran === chosen.length ? 0 : 1;
