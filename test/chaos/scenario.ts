import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { laneOf } from '@waggle/messaging';
import { LANES } from './mortal-host.ts';
import type { Effects } from './service.ts';
import type { Resident, World } from './world.ts';

const RUNS_A_LIFE = 3;
const ONCE: Effects = { events: 1, count: 1, tally: 1 };
const LOOK_MS = 50;

export interface ScenarioOptions {
  /** How long a host may take to die, and the last one to bring everything to its end. @default 20_000 */
  readonly deadlineMs?: number;
}

/**
 * One host after another is killed, each at its point, with runs of its own on their way. The last one lives. Each is asked again for
 * what was not answered before it. Then every effect of every run has happened exactly once, nothing is under way, and nothing
 * happens later.
 * @throws Error that says what happened otherwise
 */
export async function killAndRecover(
  world: World,
  killAt: readonly string[],
  { deadlineMs = 20_000 }: ScenarioOptions = {},
): Promise<void> {
  const runs: string[] = [];
  let unanswered: readonly string[] = [];
  for (const [life, point] of killAt.entries()) {
    const own = Array.from({ length: RUNS_A_LIFE }, (_, n) => `${life + 1}-${n + 1}`);
    runs.push(...own);
    const victim = await world.start(point);
    const asked = [beginAll(victim, unanswered, [201, 409]), beginAll(victim, own, [201])];
    unanswered = (await Promise.all(asked)).flat();
    const end = await Promise.race([victim.died, delay(deadlineMs, 'nothing', { ref: false })]);
    if (end !== 'SIGKILL')
      throw new Error(`${end} ended who was to be killed at ${point}\n${victim.lastWords()}`);
  }
  const survivor = await world.start();
  try {
    await demandAll(survivor, unanswered, [201, 409]);
    await untilOnce(survivor, runs, deadlineMs);
    // On every lane these are handled after whatever would still come of the others.
    const last = Array.from({ length: LANES }, (_, lane) => keyOn(lane));
    await demandAll(survivor, last, [201]);
    await untilOnce(survivor, [...runs, ...last], deadlineMs);
    const { total } = await ask<{ readonly total: number }>(survivor, '/dead-letters');
    if (total > 0) throw new Error(`dead letters: ${total}`);
  } catch (error) {
    throw new Error(`${String(error)}\n${survivor.lastWords()}`, { cause: error });
  }
}

/** Those that were not answered, as the host died before. */
async function beginAll(
  host: Resident,
  runs: readonly string[],
  expected: readonly number[],
): Promise<readonly string[]> {
  const died = host.died.then(() => undefined);
  const begin = async (run: string): Promise<number | undefined> =>
    (await host.request(`/runs/${run}`, { method: 'POST' })).status;
  const unheard = (): undefined => undefined;
  const answers = await Promise.all(runs.map((run) => Promise.race([begin(run).catch(unheard), died])));
  const wrong = answers.find((status) => status !== undefined && !expected.includes(status));
  if (wrong !== undefined) throw new Error(`a run was answered with ${wrong}`);
  return runs.filter((_, index) => answers[index] === undefined);
}

async function demandAll(
  host: Resident,
  runs: readonly string[],
  expected: readonly number[],
): Promise<void> {
  const unanswered = await beginAll(host, runs, expected);
  if (unanswered.length > 0) throw new Error(`not answered by a host that lives: ${unanswered.join(', ')}`);
}

/** Until each has all of its effects, and nothing is under way. What happened twice is not waited for. */
async function untilOnce(host: Resident, runs: readonly string[], deadlineMs: number): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const all = await ask<Readonly<Record<string, Effects>>>(host, '/runs');
    const repeated = Object.values(all).some((effects) => Object.values(effects).some((times) => times > 1));
    const complete = runs.every((run) => isDeepStrictEqual(all[run], ONCE));
    if (complete && (await ask<{ readonly isSettled: boolean }>(host, '/settled')).isSettled) return;
    if (repeated || performance.now() > deadline) {
      const what = repeated ? 'repeated' : complete ? 'not settled' : 'lost';
      throw new Error(`${what}: ${JSON.stringify(all)}`);
    }
    await delay(LOOK_MS);
  }
}

async function ask<Answer>(host: Resident, path: string): Promise<Answer> {
  const response = await host.request(path);
  if (!response.ok) throw new Error(`GET ${path} was answered with ${response.status}`);
  return (await response.json()) as Answer;
}

function keyOn(lane: number): string {
  for (let n = 1; ; n++) if (laneOf(`last-${n}`, LANES) === lane) return `last-${n}`;
}
