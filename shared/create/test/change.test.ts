import { rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../src/main.ts';
import { copyOfRepository, filesIn } from './repository.ts';

const SERVICE = 'parcel-tracking';
let root: string;
let before: ReadonlyMap<string, string>;
let said = '';

beforeAll(() => {
  root = copyOfRepository(); // in which nothing is installed,
  vi.stubEnv('PATH', ''); // nor can be
  before = filesIn(root);
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
});
beforeEach(() => {
  said = '';
});
afterAll(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const contents = (): readonly string[] => [...filesIn(root).keys()];

test.each([
  [['service', SERVICE, '--entity', 'parcel']],
  [['adapter', 'carrier-crow']],
  [['event', `${SERVICE}.parcel-lost.v1`]],
  [['rename', '@borealis-works']],
])('%j: what fails half-way leaves everything as it was', async (args) => {
  expect(await main(args, root)).toBe(1);
  expect(said).toMatch(/oxfmt .* failed, and everything is as it was before: /);
  expect(contents()).toEqual([...before.keys()]);
});

test('what was to go is back when the rest fails', async () => {
  const adapter = [...before.keys()].find((file) => /^adapters\/(?!memory)[^/]+\/package.json$/.test(file));
  const name = adapter?.split('/')[1] ?? 'nobody';
  expect(await main(['remove', name], root)).toBe(1);
  expect(contents()).toEqual([...before.keys()]);
});

test('a dry run says what would be written, and what to do then, and writes nothing', async () => {
  expect(await main(['service', SERVICE, '--entity', 'parcel', '--dry-run'], root)).toBe(0);
  expect(said).toContain(`would write\n  services/${SERVICE}/`);
  expect(said).toContain(`\n  shared/contracts/src/${SERVICE}.ts\nnext\n  npm test --workspace`);
  expect(contents()).toEqual([...before.keys()]);
});

test.each(['service', 'handler', 'event', 'adapter', 'rename', 'remove'])(
  '%s explains itself',
  async (kind) => {
    expect(await main([kind, '--help'], root)).toBe(0);
    expect(said).toMatch(/^npm run \S+ -- .*\[--dry-run\]\n\n[A-Z].*\.\n/);
  },
);
