import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ConfigurationError, loadServices, serviceNames } from '../src/index.ts';

/** A repository with these services; the value is what `src/service.ts` says. */
async function repository(services: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'waggle-discover-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'services'));
  await writeFile(join(root, 'package.json'), '{ "type": "module" }');
  await writeFile(join(root, 'services', 'README.md'), 'not a service');
  for (const [name, source] of Object.entries(services)) {
    await mkdir(join(root, 'services', name, 'src'), { recursive: true });
    await writeFile(join(root, 'services', name, 'src', 'service.ts'), source);
  }
  return root;
}

const named = (name: string): string =>
  `export const service = { name: '${name}', publishes: [], sends: [] };`;

test('a folder in services/ is all it takes to be found; files beside it, and what is left of a deleted one, are not services', async () => {
  const root = await repository({ shipping: named('shipping'), billing: named('billing') });
  await mkdir(join(root, 'services', 'deleted', 'reports'), { recursive: true });
  expect(await serviceNames(root)).toEqual(['billing', 'shipping']);
  expect((await loadServices([], 'memory', root)).map(({ name }) => name)).toEqual(['billing', 'shipping']);
});

test('the services that are named are loaded, and only they', async () => {
  const root = await repository({ shipping: named('shipping'), billing: 'throw new Error("not this one")' });
  expect(await loadServices(['shipping'], 'some-broker', root)).toMatchObject([{ name: 'shipping' }]);
});

test('a service that is named twice runs once', async () => {
  const root = await repository({ shipping: named('shipping') });
  expect(await loadServices(['shipping', 'shipping'], 'some-broker', root)).toHaveLength(1);
});

test('in memory all services may be named, in any order', async () => {
  const root = await repository({ shipping: named('shipping'), billing: named('billing') });
  expect(await loadServices(['shipping', 'billing'], 'memory', root)).toHaveLength(2);
});

test('every problem with the names is told at once', async () => {
  const root = await repository({ shipping: named('shipping'), billing: named('billing') });
  const loading = loadServices(['shiping', 'shipping', '../shipping'], 'memory', root);
  const error = await loading.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigurationError);
  expect(error).toHaveProperty('problems', [
    'SERVICES names "shiping": there is no services/shiping, only billing, shipping',
    'SERVICES names "../shipping": there is no services/../shipping, only billing, shipping',
    expect.stringContaining('SERVICES leaves out billing: run all services, or choose another broker'),
  ]);
});

test.each([
  ['exports no service', 'export const other = 1;'],
  ['exports one with another name', named('billing')],
])('a folder whose service.ts %s is refused, saying what it must export', async (_, source) => {
  const root = await repository({ shipping: source });
  await expect(loadServices([], 'memory', root)).rejects.toThrow(
    "must export `service`, made with defineService({ name: 'shipping', ... })",
  );
});

test('a service that cannot be loaded says why itself', async () => {
  const root = await repository({ shipping: 'throw new Error("no such table");' });
  await expect(loadServices([], 'memory', root)).rejects.toThrow('no such table');
});

test('there need not be a service, nor the folder: who asks for one is told how to make it', async () => {
  const root = await repository({});
  expect(await loadServices([], 'memory', root)).toEqual([]);
  await rm(join(root, 'services'), { recursive: true });
  expect(await serviceNames(root)).toEqual([]);
  await expect(loadServices(['shipping'], 'memory', root)).rejects.toThrow(
    'SERVICES names "shipping": there is no services/shipping, nor any other. Make one: npm run new:service -- <name>',
  );
});
