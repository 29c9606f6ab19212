import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parcelArrived } from '@waggle/contracts/testing';
import { defineProjection } from '@waggle/event-sourcing';
import { onEvent } from '@waggle/kernel';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startHost } from '../../src/index.ts';
import { aService, memoryLogger } from '../start.ts';
import { migrate } from '../../src/tools/migrate.ts';
import { readModelsOf } from '../../src/tools/read-models.ts';
import { settled } from '../../testing/index.ts';
import { run } from './terminal.ts';

async function aFile(): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-tools-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { STORE: 'sqlite', SQLITE_FILE: join(folder, 'store.sqlite'), LOG_LEVEL: 'silent' };
}

describe('the migrate command', () => {
  test('makes what a host that may alter nothing needs', async () => {
    const environment = await aFile();
    const bound = { ...environment, TOPOLOGY: 'bind', PORT: '0' };
    const services = [aService({ handlers: [onEvent('note', parcelArrived, async () => undefined)] })];
    await expect(startHost({ services, environment: bound })).rejects.toThrow('npm run migrate');
    for (let time = 0; time < 2; time++) {
      const { status, out } = await run(migrate, [], environment);
      expect({ status, out }).toEqual({
        status: 0,
        out: 'namespace waggle on sqlite: the tables are as this code needs them',
      });
    }
    // Now the store is as it should be, and it is the broker that is not.
    await expect(startHost({ services, environment: bound })).rejects.toThrow('was never declared');
  });

  test.each([
    [['now'], { STORE: 'sqlite' }, 'migrate takes no "now"'],
    [['--force'], { STORE: 'sqlite' }, "Unknown option '--force'"],
    [[], {}, 'STORE is "memory", which ends with its process'],
    [[], { STORE: 'nats' }, 'is no store'],
  ])('refuses %o with %o', async (words, environment, why) => {
    const { status, out, notes } = await run(migrate, words, environment);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(notes).toContain(why);
  });
});

test('a broker that ends with the process, and a store that does not, are warned of', async () => {
  const { logger, lines } = memoryLogger();
  const host = await startHost({ services: [], environment: { ...(await aFile()), PORT: '0' }, logger });
  await host.stop();
  expect(lines.map(({ message }) => message)).toContainEqual(
    expect.stringContaining('BROKER=memory with a durable store'),
  );
});

describe('the read-models command', () => {
  const views = defineProjection({ name: 'parcel-views', category: 'parcel', project: () => undefined });
  const reads = aService({ name: 'reads', projections: [views] });
  const readModels = readModelsOf({ services: [reads] });

  test('lists read models, and lets one be built anew by the host that runs', async () => {
    const environment = await aFile();
    const host = await startHost({ services: [reads], environment: { ...environment, PORT: '0' } });
    onTestFinished(async () => void (await host.stop()));
    const list = async () => {
      const { out } = await run(readModels, ['list', '--json'], environment);
      return JSON.parse(out) as { readModels: readonly Record<string, unknown>[] };
    };
    await settled(host);
    const before = { service: 'reads', name: 'parcel-views', version: 1, live: 1, isCaughtUp: true };
    expect(await list()).toEqual({ namespace: 'waggle', store: 'sqlite', readModels: [before] });
    const { status, out } = await run(readModels, ['rebuild', 'reads.parcel-views'], environment);
    expect(status).toBe(0);
    expect(out).toMatch(/reads\.parcel-views {2}version 1, generation 1, generation 2 is being built, /);
    await expect.poll(list).toMatchObject({ readModels: [{ ...before, live: 2 }] });
  });

  test.each([
    [[], 'no word given: say one of list, rebuild'],
    [['list', 'all'], 'list takes nothing else'],
    [['rebuild'], 'rebuild takes one <service>.<name>'],
  ])('refuses %o before it opens anything', async (words, why) => {
    const { status, notes } = await run(readModels, words, { STORE: 'sqlite', SQLITE_FILE: '/nowhere/x' });
    expect(status).toBe(2);
    expect(notes).toContain(why);
  });

  test('says which read models there are', async () => {
    const environment = await aFile();
    await run(migrate, [], environment);
    const { status, notes } = await run(readModels, ['rebuild', 'reads.nothing'], environment);
    expect(status).toBe(1);
    expect(notes).toContain('there is no read model "reads.nothing", only: reads.parcel-views');
  });
});
