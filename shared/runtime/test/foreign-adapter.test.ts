import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadAdapter } from '../src/adapter-module.ts';
import { aHost, aService, memoryLogger } from './start.ts';

const INSTALLED = join(import.meta.dirname, '..', 'node_modules');

const MODULE = `
import { createMemoryDriver } from '@waggle/adapter-memory';
import { brokerDriver } from '@waggle/messaging';
import { ContainerModule } from 'inversify';

export const broker = {
  settings: {
    CARRIER_LOFT: { description: 'where the pigeons live', parse: (text) => text.toUpperCase() },
  },
  module: ({ CARRIER_LOFT }, settings) =>
    new ContainerModule(({ bind }) => {
      const driver = createMemoryDriver(settings);
      bind(brokerDriver).toConstantValue({
        ...driver,
        get status() {
          return driver.status;
        },
        async open(options) {
          await driver.open(options);
          settings.logger.info('flown in', { loft: CARRIER_LOFT });
        },
      });
    }),
};
`;

/** Installs somebody else's package where the runtime finds it. Returns its name. */
async function install(files: Readonly<Record<string, string>>): Promise<string> {
  const name = `carrier-pigeon-${randomUUID()}`;
  const folder = join(INSTALLED, name);
  await mkdir(folder, { recursive: true });
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  return name;
}

test('BROKER names a package that is not ours: it is loaded, with its own settings', async () => {
  const BROKER = await install({
    'package.json': JSON.stringify({ type: 'module', exports: { './module': './module.js' } }),
    'module.js': MODULE,
  });
  await expect(aHost([], { environment: { BROKER } })).rejects.toThrow(
    'CARRIER_LOFT is not set: where the pigeons live',
  );
  // With the rest, at once.
  await expect(aHost([], { environment: { BROKER, PORT: '-1' } })).rejects.toThrow(
    /PORT is "-1"[^]*CARRIER_LOFT is not set/,
  );
  const { logger, lines } = memoryLogger();
  const host = await aHost([aService({})], { environment: { BROKER, CARRIER_LOFT: 'attic' }, logger });
  expect(lines).toContainEqual(expect.objectContaining({ message: 'flown in', fields: { loft: 'ATTIC' } }));
  expect(await (await host.request('/health')).json()).toMatchObject({
    broker: { name: BROKER, status: 'open' },
  });
});

test('BROKER names a folder in adapters/: it is loaded from there, before anything is installed', async () => {
  const root = await mkdtemp(join(tmpdir(), 'waggle-root-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const folder = join(root, 'adapters', 'carrier', 'src');
  await mkdir(folder, { recursive: true });
  const text = `export const broker = { settings: { LOFT: { description: 'where', parse: String } }, module() {} };`;
  await writeFile(join(folder, 'module.ts'), text);
  expect((await loadAdapter('broker', 'carrier', root)).settings).toHaveProperty('LOFT');
  await expect(loadAdapter('store', 'carrier', root)).rejects.toThrow(
    'the adapter adapters/carrier is no store: choose another one',
  );
  await expect(loadAdapter('broker', 'owl', root)).rejects.toThrow('there is no adapters/owl and no package');
});
