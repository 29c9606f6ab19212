import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { parcelArrived } from '@waggle/contracts/testing';
import { silentLogger } from '@waggle/kernel';
import type { CloudEvent } from '@waggle/kernel';
import type { BrokerDriver, DriverSettings } from '@waggle/messaging';
import { createMessaging } from '@waggle/messaging';
import { describe, expect, onTestFinished, test } from 'vitest';
import { adapterTesting } from '../adapters/discover.ts';
import { npmRun } from './npm-run.ts';
import { driversOn, durable, environmentFor, moves } from './start.ts';
import { tellIfNone } from '../adapters/tell-if-none.ts';

tellIfNone('broker', durable);

const ROOT = new URL('../..', import.meta.url);
const KEYS = 7;

/** A namespace of its own on a broker, its environment, and what is in its log. */
async function openLog(broker: string) {
  const environment = await environmentFor(broker);
  const settings: DriverSettings = {
    namespace: environment['NAMESPACE'] ?? '',
    lanes: 4,
    retention: { maxAgeMs: 604_800_000, maxBytes: 16_777_216 },
    maxMessageBytes: 1_048_576,
    requestTimeoutMs: 10_000,
    leaseMs: 30_000,
    logger: silentLogger,
  };
  const driver = (await driversOn(broker))(settings);
  onTestFinished(() => driver.close());
  await driver.open();
  const messaging = createMessaging({ driver, lanes: settings.lanes });
  return { broker, environment, driver, publish: messaging.events.publish };
}

type Log = Awaited<ReturnType<typeof openLog>>;

/** How to type the command that copies one to the other. */
function copying(from: Log, to: Log, ...more: readonly string[]) {
  const environment = { ...from.environment, ...to.environment, BROKER: '' };
  const namespaces = [from, to].map((log) => log.environment['NAMESPACE'] ?? '');
  const words = ['--from', from.broker, '--to', to.broker, '--from-namespace', namespaces[0] ?? ''];
  return { words: [...words, '--to-namespace', namespaces[1] ?? '', ...more], environment };
}

const copy = (from: Log, to: Log, ...more: readonly string[]) => {
  const { words, environment } = copying(from, to, '--json', ...more);
  return npmRun('copy', words, environment);
};

/** The process itself, so that a kill hits it and not npm. */
function startCopy({ words, environment }: ReturnType<typeof copying>): ChildProcess {
  const child = spawn(process.execPath, ['shared/runtime/src/tools/main.ts', 'copy', ...words], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function events(from: number, count: number): CloudEvent[] {
  const { type, data } = parcelArrived(parcelArrived.example);
  return Array.from({ length: count }, (_, index) => ({
    specversion: '1.0',
    id: `e${from + index}`,
    source: '/test',
    type,
    data,
    ...(index % (KEYS + 1) < KEYS && { partitionkey: `key-${index % (KEYS + 1)}` }),
  }));
}

/** By key, the ids in their order; those without a key sorted. */
async function idsByKey(driver: BrokerDriver) {
  const found = new Map<string, string[]>();
  for await (const { message } of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false })) {
    const { id, partitionkey = '' } = JSON.parse(new TextDecoder().decode(message.body)) as CloudEvent;
    found.set(partitionkey, [...(found.get(partitionkey) ?? []), id]);
  }
  found.set('', found.get('')?.toSorted() ?? []);
  return Object.fromEntries(found);
}

async function countIn(driver: BrokerDriver): Promise<number> {
  return Object.values(await idsByKey(driver)).flat().length;
}

describe.each(moves)('from %s to %s', (one, other) => {
  // Enough that a quick machine is still copying when the last of them is killed.
  const TOTAL = 7_500;

  test('killed again and again while it copies, it loses nothing, doubles nothing, and keeps each key in order', async () => {
    const [from, to] = [await openLog(one), await openLog(other)];
    for (let batch = 0; batch < TOTAL / 500; batch++) await from.publish(...events(batch * 500, 500));
    for (const enough of [100, 700, 1_400]) {
      const child = startCopy(copying(from, to, '--follow'));
      const exit = once(child, 'exit');
      await expect.poll(() => countIn(to.driver), { timeout: 60_000, interval: 5 }).toBeGreaterThan(enough);
      child.kill('SIGKILL');
      await exit;
    }
    const wereThere = await countIn(to.driver);
    expect(wereThere).toBeLessThan(TOTAL);
    const { status, stdout, stderr } = await copy(from, to);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('where an earlier run came to');
    expect(JSON.parse(stdout).copied).toBeLessThanOrEqual(TOTAL - wereThere);
    expect(await idsByKey(to.driver)).toEqual(await idsByKey(from.driver));
  });

  test('it follows live events until it is told to stop, and what is copied is not copied back', async () => {
    const [from, to] = [await openLog(one), await openLog(other)];
    await from.publish(...events(0, 50));
    const child = startCopy(copying(from, to, '--follow'));
    const exit = once(child, 'exit');
    await expect.poll(() => countIn(to.driver), { timeout: 60_000 }).toBe(50);
    await from.publish(...events(50, 10));
    await expect.poll(() => countIn(to.driver), { timeout: 60_000 }).toBe(60);
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    await to.publish(...events(60, 10));
    expect((await copy(to, from)).stderr).toContain('holds events that were not copied from');
    const back = await copy(to, from, '--allow-foreign');
    expect(JSON.parse(back.stdout)).toMatchObject({ copied: 10, returned: 60 });
    expect(await idsByKey(from.driver)).toEqual(await idsByKey(to.driver));
  });
});

test.for(durable.slice(0, 1))(
  'before it copies from %s, it ends at once when it is told to stop',
  async (broker) => {
    const silent = createServer();
    onTestFinished(() => void silent.close());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const [protocol] = Object.keys((await adapterTesting(broker)).server?.ports ?? {});
    const url = `${protocol}://127.0.0.1:${Object(silent.address()).port}`;
    const child = startCopy({
      words: ['--from', broker, '--from-url', url, '--to', durable.at(-1) ?? broker],
      environment: { BROKER: '' },
    });
    const exit = once(child, 'exit');
    const [socket] = await once(silent, 'connection');
    child.kill('SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
    socket.destroy();
  },
);
