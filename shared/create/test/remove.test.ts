import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Change } from '../src/change.ts';
import { readProject } from '../src/project.ts';
import { remove } from '../src/remove.ts';
import { hitting } from '../src/strike.ts';

const ROOT = join(import.meta.dirname, '../../..');
const before = readProject(ROOT);
const namesIn = (folder: string): readonly string[] =>
  globSync(`${folder}/*/package.json`, { cwd: ROOT })
    .map((file) => file.split(/[\\/]/)[1] ?? '')
    .toSorted();
const adapters = namesIn('adapters').filter((name) => name !== 'memory');
const services = namesIn('services');

/** Every file as it is afterwards; the lock file is npm's. */
function after({ files, removed = [] }: Change): ReadonlyMap<string, string> {
  const kept = [...before].filter(
    ([file]) => !removed.some((path) => file === path || file.startsWith(`${path}/`)),
  );
  return new Map([...kept, ...files].filter(([file]) => file !== 'package-lock.json'));
}

const speakingOf = (files: ReadonlyMap<string, string>, words: readonly string[]): readonly string[] =>
  [...files].filter(([file, text]) => hitting(words)(`${file}\n${text}`)).map(([file]) => file);

describe.each(adapters)('without the adapter %s', (name) => {
  const { keywords = [] } = JSON.parse(before.get(`adapters/${name}/package.json`) ?? '{}') as {
    readonly keywords?: readonly string[];
  };
  const left = after(remove(ROOT, [name]));

  test('no file speaks of it', () => {
    expect(speakingOf(left, [name, ...keywords])).toEqual([]);
  });

  test('the documents still say all else', () => {
    for (const file of [
      'README.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      'docs/wire.md',
      'docs/switching-brokers.md',
    ]) {
      const [was, is] = [before.get(file) ?? '', left.get(file) ?? ''];
      expect(is.length, file).toBeGreaterThan(was.length * 0.6);
      const headings = (text: string): readonly string[] => text.match(/^#+ .*$/gm) ?? [];
      expect(headings(is), file).toEqual(headings(was));
      expect(is.endsWith('\n'), file).toBe(true);
    }
    expect(left.get('README.md')?.split('\n\n')[1]).toMatch(
      /^Event-driven services in TypeScript .*chooses\.$/s,
    );
  });
});

test('a path names it as well, and all of them go at once', () => {
  const left = after(
    remove(
      ROOT,
      adapters.map((name) => `adapters/${name}`),
    ),
  );
  expect(speakingOf(left, adapters)).toEqual([]);
});

test('without services nothing is left of them, nor of the stories that are told of them', () => {
  const change = remove(ROOT, services);
  const left = after(change);
  const scope = (JSON.parse(before.get('package.json') ?? '{}') as { readonly name: string }).name;
  const words = services.flatMap((name) => [
    `services/${name}`,
    `service-${name}`,
    `@${scope}/contracts/${name}`,
  ]);
  expect(speakingOf(left, words)).toEqual([]);
  for (const path of change.removed ?? []) expect(speakingOf(left, [path])).toEqual([]);
  expect(left.has('services/README.md')).toBe(true);
});

const needed = services.filter((name) => {
  const others = services.filter((other) => other !== name);
  const imports = [...before].filter(([file]) =>
    others.some((other) => file.startsWith(`services/${other}/`)),
  );
  return imports.some(([, text]) => text.includes(`/contracts/${name}'`));
});

test.each(needed)(
  'the service %s stays as long as another one needs its contracts, and it is said which',
  (name) => {
    expect(() => remove(ROOT, [name])).toThrow(
      /needs shared\/contracts\/src\/.*: remove both, npm run remove -- /,
    );
  },
);

test('what is not there, and what all stand on, is refused', () => {
  expect(() => remove(ROOT, ['nobody'])).toThrow('there is no adapter and no service "nobody", only ');
  expect(() => remove(ROOT, ['../shared'])).toThrow('there is no adapter and no service "../shared"');
  expect(() => remove(ROOT, ['memory'])).toThrow(
    'adapters/memory is what the defaults and all tests stand on',
  );
});
