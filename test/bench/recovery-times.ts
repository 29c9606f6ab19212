import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { startPrivateServer, type PrivateServer } from '../servers/servers.ts';
import { eventOf } from './load.ts';
import type { RawPublisher } from '../adapters/adapter-testing.ts';
import { adaptersWith, adapterTesting } from '../adapters/discover.ts';
import { joinGroup, READY, type MemberSettings } from './recovery-group.ts';
import { LANES } from './rig.ts';

const PAUSE_MS = 10;
const DEADLINE_MS = 60_000;
/** Longer than a server takes to note what it made: see the READMEs of the adapters. */
const SETTLED_MS = 1_500;
const ROOT = new URL('../..', import.meta.url);

/** A round each, in milliseconds. */
export interface RecoveryTimes {
  /** What it was measured on, with its version. */
  readonly server: string;
  /** From the first raw publish that succeeds after a restart until the next message of that client was handled. */
  readonly restarts: readonly number[];
  /** From the SIGKILL of a member until another has handled something of each of its lanes. */
  readonly kills: readonly number[];
}

/** The adapters whose recovery can be measured. */
export async function recovering(): Promise<readonly string[]> {
  return (await adaptersWith('broker')).flatMap(
    ({ name, part: { use, rawPublisher }, testing: { server } }) =>
      use && rawPublisher && server ? [name] : [],
  );
}

async function openRaw(kind: string, url: string, namespace: string): Promise<RawPublisher> {
  const raw = await (await adapterTesting(kind)).broker?.rawPublisher?.(url, namespace);
  if (raw === undefined) throw new Error(`[waggle] the adapter ${kind} has no broker.rawPublisher for tests`);
  return raw;
}

/** On a server of its own. */
export async function measureRecovery(kind: string, rounds: number, leaseMs: number): Promise<RecoveryTimes> {
  const server = await startPrivateServer(kind);
  try {
    const member = { kind, url: server.url, leaseMs };
    const restarts = await restartTimes(server, { ...member, namespace: 'restarts' }, rounds);
    const kills: number[] = [];
    for (let round = 0; round < rounds; round++) {
      kills.push(await killTime({ ...member, namespace: `kills-${round}` }));
    }
    const raw = await openRaw(kind, server.url, 'restarts');
    await raw.close();
    return { server: raw.server, restarts, kills };
  } finally {
    await server.stop();
  }
}

async function restartTimes(server: PrivateServer, settings: MemberSettings, rounds: number) {
  const handled = new Set<string>();
  const messaging = await joinGroup(settings, (id) => handled.add(id));
  const times: number[] = [];
  let index = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      await delay(SETTLED_MS);
      const restarting = server.restart();
      restarting.catch(() => undefined); // told when it is awaited
      await until(() => server.pid() === undefined, 'the end of the server');
      const raw = await firstThatPublishes(settings, index++);
      const since = performance.now();
      const next = await publish(raw, index++);
      await until(() => handled.has(next), 'the next message');
      times.push(performance.now() - since);
      await raw.close();
      await restarting;
    }
  } finally {
    await messaging.close();
  }
  return times;
}

/** A raw client that has just published, tried again and again. */
async function firstThatPublishes({ kind, url, namespace }: MemberSettings, index: number) {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    let raw: RawPublisher | undefined;
    try {
      raw = await openRaw(kind, url, namespace);
      await publish(raw, index);
      return raw;
    } catch (error) {
      await raw?.close().catch(() => undefined);
      if (performance.now() > deadline) throw error;
      await delay(PAUSE_MS);
    }
  }
}

/** Resolves with the id once it is confirmed. */
async function publish(raw: RawPublisher, index: number, lane = index % LANES): Promise<string> {
  const event = eventOf(index, `lane-${lane}`);
  await raw.publish(lane, event.type, JSON.stringify(event));
  return event.id;
}

async function killTime(settings: MemberSettings): Promise<number> {
  const lanes = new Map<string, number>();
  const doomed = await startMember(settings);
  const survivor = await startMember(settings);
  const raw = await openRaw(settings.kind, settings.url, settings.namespace);
  let publishing = true;
  const traffic = (async () => {
    for (let index = 0; publishing; index++) {
      lanes.set(await publish(raw, index), index % LANES);
      if (index % LANES === 0) await delay(PAUSE_MS);
    }
  })();
  traffic.catch(() => undefined); // told when it is awaited
  const lanesOf = (ids: readonly string[]) => new Set(ids.map((id) => lanes.get(id)));
  try {
    await until(() => lanesOf(survivor.handled).size > 1 && lanesOf(doomed.handled).size > 1, 'shares');
    await delay(SETTLED_MS);
    const recent = doomed.handled.slice(-5 * LANES);
    doomed.kill();
    const since = performance.now();
    const before = survivor.handled.length;
    const its = lanesOf(recent);
    const goOn = (): boolean => {
      const again = lanesOf(survivor.handled.slice(before));
      return [...its].every((lane) => again.has(lane));
    };
    await until(goOn, 'its lanes to go on');
    return performance.now() - since;
  } finally {
    publishing = false;
    await traffic;
    await Promise.all([doomed.end(), survivor.end(), raw.close()]);
  }
}

async function startMember(settings: MemberSettings) {
  const env = { ...process.env, MEMBER: JSON.stringify(settings) };
  const child = spawn(process.execPath, ['test/bench/recovery-member.ts'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const handled: string[] = [];
  const ready = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === READY) ready.resolve();
    else handled.push(line);
  });
  void ended.then(() => ready.reject(new Error('[waggle] a member ended before it had joined')));
  await ready.promise;
  const kill = (): void => void child.kill('SIGKILL');
  return {
    handled,
    kill,
    async end() {
      kill();
      await ended;
    },
  };
}

async function until(done: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`[waggle] waited ${DEADLINE_MS} ms for ${what}`);
    await delay(1);
  }
}
