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
import { fileStores, type FileStore } from './file-stores.ts';
import { run } from './terminal.ts';

const durable = await fileStores();

async function aFile({ name, keptIn }: FileStore): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-tools-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { STORE: name, ...keptIn(folder), LOG_LEVEL: 'silent' };
}

describe('the migrate command', () => {
  test.for(durable)('makes what a host that may alter nothing needs: $name', async (store) => {
    const environment = await aFile(store);
    const bound = { ...environment, TOPOLOGY: 'bind', PORT: '0' };
    const services = [aService({ handlers: [onEvent('note', parcelArrived, async () => undefined)] })];
    await expect(startHost({ services, environment: bound })).rejects.toThrow('npm run migrate');
    for (let time = 0; time < 2; time++) {
      const { status, out } = await run(migrate, [], environment);
      expect({ status, out }).toEqual({
        status: 0,
        out: `namespace waggle on ${store.name}: the tables are as this code needs them`,
      });
    }
    // Now the store is as it should be, and it is the broker that is not.
    await expect(startHost({ services, environment: bound })).rejects.toThrow('was never declared');
  });

  test.each([
    [['now'], {}, 'migrate takes no "now"'],
    [['--force'], {}, "Unknown option '--force'"],
    [[], {}, 'STORE is "memory", which ends with its process'],
    [[], { STORE: 'nothing' }, 'there is no adapters/nothing'],
  ])('refuses %o with %o', async (words, environment, why) => {
    const { status, out, notes } = await run(migrate, words, environment);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(notes).toContain(why);
  });
});

test.for(durable)(
  'a broker that ends with the process, and a store that does not, are warned of: $name',
  async (store) => {
    const { logger, lines } = memoryLogger();
    const host = await startHost({
      services: [],
      environment: { ...(await aFile(store)), PORT: '0' },
      logger,
    });
    await host.stop();
    expect(lines.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('BROKER=memory with a durable store'),
    );
  },
);

describe('the read-models command', () => {
  const views = defineProjection({ name: 'parcel-views', category: 'parcel', project: () => undefined });
  const reads = aService({ name: 'reads', projections: [views] });
  const readModels = readModelsOf({ services: [reads] });

  test.for(durable)(
    'lists read models, and lets one be built anew by the host that runs: $name',
    async (store) => {
      const environment = await aFile(store);
      const host = await startHost({ services: [reads], environment: { ...environment, PORT: '0' } });
      onTestFinished(async () => void (await host.stop()));
      const list = async () => {
        const { out } = await run(readModels, ['list', '--json'], environment);
        return JSON.parse(out) as { readModels: readonly Record<string, unknown>[] };
      };
      await settled(host);
      const before = { service: 'reads', name: 'parcel-views', version: 1, live: 1, isCaughtUp: true };
      expect(await list()).toEqual({ namespace: 'waggle', store: store.name, readModels: [before] });
      const { status, out } = await run(readModels, ['rebuild', 'reads.parcel-views'], environment);
      expect(status).toBe(0);
      expect(out).toMatch(/reads\.parcel-views {2}version 1, generation 1, generation 2 is being built, /);
      await expect.poll(list).toMatchObject({ readModels: [{ ...before, live: 2 }] });
    },
  );

  test.each([
    [[], 'no word given: say one of list, rebuild'],
    [['list', 'all'], 'list takes nothing else'],
    [['rebuild'], 'rebuild takes one <service>.<name>'],
  ])('refuses %o before it opens anything', async (words, why) => {
    const { status, notes } = await run(readModels, words, { STORE: 'nowhere' });
    expect(status).toBe(2);
    expect(notes).toContain(why);
  });

  test.for(durable)('says which read models there are: $name', async (store) => {
    const environment = await aFile(store);
    await run(migrate, [], environment);
    const { status, notes } = await run(readModels, ['rebuild', 'reads.nothing'], environment);
    expect(status).toBe(1);
    expect(notes).toContain('there is no read model "reads.nothing", only: reads.parcel-views');
  });
});
