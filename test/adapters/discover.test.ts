import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { adapterNames, adaptersWith, adapterTesting } from './discover.ts';

/** A repository whose adapters have these modules as `testing/index.ts`; nothing for a folder without. */
async function repository(adapters: Readonly<Record<string, string | undefined>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'waggle-adapters-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [name, text] of Object.entries(adapters)) {
    const folder = join(root, 'adapters', name, 'testing');
    await mkdir(text === undefined ? join(folder, '..') : folder, { recursive: true });
    if (text !== undefined) await writeFile(join(folder, 'index.ts'), text);
  }
  return root;
}

const BROKER = `export const testing = { broker: { harness: async () => ({}) } };`;

test('a folder with testing/index.ts is all it takes to be found', async () => {
  const root = await repository({ pigeons: BROKER, bottles: BROKER, bare: undefined });
  expect(adapterNames(root)).toEqual(['bottles', 'pigeons']);
  const found = await adaptersWith('broker', root);
  expect(found.map(({ name }) => name)).toEqual(['bottles', 'pigeons']);
  expect(await adaptersWith('store', root)).toEqual([]);
});

test('a name that nobody has, and a module without what it must export, are told', async () => {
  const root = await repository({ pigeons: 'export const other = 1;' });
  await expect(adapterTesting('owls', root)).rejects.toThrow('there is no "owls"');
  await expect(adapterTesting('pigeons', root)).rejects.toThrow('must export `testing`');
});

test('where there is no other adapter, the one in memory is left', async () => {
  expect(await adaptersWith('broker', await repository({}))).toEqual([]);
});
