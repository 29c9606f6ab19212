import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pascalCase } from '../src/names.ts';
import { nameOfProject, readProject } from '../src/project.ts';
import { rename } from '../src/rename.ts';

const ROOT = join(import.meta.dirname, '../../..');
const before = readProject(ROOT);
const name = nameOfProject(ROOT);
/** Of two words, and nothing like what the project is called by now. */
const [OTHER = '', ONE = ''] = ['borealis-works', 'zephyr-quill', 'umbra-joint']
  .filter((each) => !each.replace('-', '').includes(name))
  .flatMap((each) => [each, each.split('-')[0]]);
const compact = OTHER.replace('-', '');

test('the old name is nowhere any more, in no spelling', () => {
  const { files } = rename(ROOT, `@${OTHER}`);
  const after = new Map([...before, ...files]);
  const speaking = [...after].filter(([file, text]) => new RegExp(name, 'i').test(file + text));
  expect(speaking.map(([file]) => file)).toEqual([]);
});

test('packages get the scope; where a dash is refused there is none', () => {
  const { files } = rename(ROOT, `@${OTHER}`);
  expect(files.get('package.json')).toContain(`"name": "${compact}"`);
  expect(files.get('shared/kernel/package.json')).toContain(`"name": "@${OTHER}/kernel"`);
  expect(files.get('shared/runtime/src/metrics.ts')).toContain(`name: '${compact}_messages_total'`);
  expect(files.get('README.md')).toMatch(new RegExp(`^# ${pascalCase(OTHER)}\\n`));
});

test('the licence has another holder, the changelog begins anew, and the README does not explain the old name', () => {
  const { files } = rename(ROOT, `@${ONE}`, { holder: 'Acme Ltd', year: 2031 });
  expect(files.get('LICENSE')).toContain('\nCopyright (c) 2031 Acme Ltd\n');
  expect(files.get('LICENSE')?.match(/Copyright/g)).toHaveLength(1);
  expect(files.get('CHANGELOG.md')?.match(/^## .*$/gm)).toEqual(['## [0.1.0] - unreleased']);
  expect(files.get('README.md')).not.toMatch(/ dance/);
  const mine = rename(ROOT, `@${ONE}`).files.get('LICENSE');
  expect(mine).toContain(` ${new Date().getFullYear()} ${pascalCase(ONE)}\n`);
});

test.each(['acme', '', '@', '@Acme', '@acme/shop', '@../x', '@class', '@a b', `@${'x'.repeat(300)}`])(
  '%j is no scope',
  (scope) => {
    expect(() => rename(ROOT, scope)).toThrow(
      /is no scope of packages: write @|cannot name a scope of packages: /,
    );
  },
);

test('the name that it has already is refused', () => {
  expect(() => rename(ROOT, `@${name}`)).toThrow('already: choose another name');
});
