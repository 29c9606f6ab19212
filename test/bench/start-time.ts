import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './contest.ts';

const HOST = 'shared/runtime/src/main.js';
const FIRST_RUNS = 3;
const ROOT = new URL('../..', import.meta.url);

/** In milliseconds from the spawn of the process; each the median of its runs. */
export interface StartTimes {
  /** Until a Node that does nothing else says something. */
  readonly nodeMs: number;
  /** Until the host with all services, in memory, says that it has started. */
  readonly hostMs: number;
  /** The same on a machine that has never run it: nothing is compiled yet. */
  readonly firstHostMs: number;
}

/** Runs both by turns, so that what else the machine does disturbs them alike. The first run of each is not counted. */
export async function measureStart(runs: number): Promise<StartTimes> {
  const node: number[] = [];
  const host: number[] = [];
  const firstHost: number[] = [];
  // Node keeps what it has compiled below the folder for temporary files.
  const cache = await mkdtemp(join(tmpdir(), 'waggle-bench-'));
  try {
    for (let run = 0; run <= runs; run++) {
      node.push(await untilSaid('started', ['-e', 'console.log("started")'], {}));
      host.push(await untilSaid('"msg":"started"', [HOST], { TMPDIR: cache }));
      if (run > FIRST_RUNS) continue;
      const TMPDIR = await mkdtemp(join(cache, 'empty-'));
      firstHost.push(await untilSaid('"msg":"started"', [HOST], { TMPDIR }));
    }
  } finally {
    await rm(cache, { recursive: true });
  }
  return { nodeMs: median(node.slice(1)), hostMs: median(host.slice(1)), firstHostMs: median(firstHost) };
}

async function untilSaid(
  word: string,
  args: readonly string[],
  more: Record<string, string>,
): Promise<number> {
  // Nothing of ours but the port: what a developer has set must not be measured.
  const env = { PATH: process.env['PATH'], PORT: '0', ...more };
  const beganAt = performance.now();
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  const said: string[] = [];
  const tookMs = await new Promise<number>((resolve, reject) => {
    const listen = (text: string): void => {
      said.push(text);
      if (said.join('').includes(word)) resolve(performance.now() - beganAt);
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    child.on('error', reject);
    child.on('close', () => reject(new Error(`it ended without "${word}":\n${said.join('')}`)));
  });
  // In an orderly way: what was compiled is kept at the end.
  child.kill('SIGTERM');
  await ended;
  return tookMs;
}
