import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adapterNames } from '../adapters/discover.ts';
import { cloneRepository, type Clone } from './clone.ts';

/** One adapter that is not wanted, and all services that are there. */
const adapter = adapterNames().at(-1);
const services = readdirSync(new URL('../../services', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
/** Put together here, since nothing but a service's own files names it. */
const SERVICE = 'parcel-tracking';
/** Of two words, and nothing like what the project is called by now. */
const SCOPE = 'borealis-works';
const made = `services/${SERVICE}`;
let clone: Clone;

beforeAll(() => {
  clone = cloneRepository();
});
afterAll(() => clone.remove());

const speakingOf = (word: RegExp): readonly string[] =>
  [...clone.contents()].filter(([file, text]) => word.test(file + text)).map(([file]) => file);

test('what is not wanted goes without a trace', async () => {
  const unwanted = [...(adapter === undefined ? [] : [adapter]), ...services];
  if (unwanted.length > 0) await clone.run('npm', ['run', 'remove', '--', ...unwanted]);
  expect(adapter === undefined ? [] : speakingOf(new RegExp(adapter, 'i'))).toEqual([]);
  for (const name of services) expect(speakingOf(new RegExp(`services/${name}|service-${name}`))).toEqual([]);
});

test('the repository becomes a project of one’s own', async () => {
  const { name } = JSON.parse(clone.contents().get('package.json') ?? '{}') as { readonly name: string };
  await clone.run('npm', ['run', 'rename', '--', `@${SCOPE}`, '--holder', 'Borealis Works Ltd']);
  expect(speakingOf(new RegExp(name, 'i'))).toEqual([]);
  expect(
    readdirSync(join(clone.root, 'node_modules')).filter(
      (each) => each === `@${SCOPE}` || each === `@${name}`,
    ),
  ).toEqual([`@${SCOPE}`]);
});

test('in which everything is in order, and a service and an adapter are made as before', async () => {
  await clone.run('npm', ['run', 'new:service', '--', SERVICE, '--entity', 'parcel']);
  await clone.run('npm', ['run', 'new:adapter', '--', 'carrier-crow']);
  await clone.check([]);
  for (const workspace of [made, 'shared/contracts'])
    await clone.run('npm', ['test', '--workspace', workspace]);
  await clone.run('npx', ['vitest', 'run', '--root', 'test', 'architecture/rules.test.ts']);
  await clone.run('npm', ['ci', '--ignore-scripts', '--dry-run', '--no-audit', '--prefer-offline']);
});
