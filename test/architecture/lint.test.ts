import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { arrows, elsewhere } from './arrows.ts';
import { createFixture, type Finding } from './fixture.ts';

const RESTRICTED = 'eslint(no-restricted-imports)';
const KERNEL = 'shared/kernel/src';
const CORE = 'services/made-up/src/domain';

/** Forms that a forbidden import can take. */
const forms: Readonly<Record<string, readonly [text: string, rule: string]>> = {
  'a value': ["import { z } from 'zod';\nexport const text = z.string();\n", RESTRICTED],
  'a type': ["import type { ZodType } from 'zod';\nexport type Text = ZodType;\n", RESTRICTED],
  're-exported names': ["export { z } from 'zod';\n", RESTRICTED],
  'a re-exported module': ["export * from 'zod';\n", RESTRICTED],
  'import()': ["export const text = import('zod');\n", RESTRICTED],
  'the type import()': ["export type Text = import('zod').ZodType;\n", 'typescript(consistent-type-imports)'],
  'require()': ["export const zod: unknown = require('zod');\n", 'typescript(no-require-imports)'],
  'a reference': [
    '/// <reference types="node" />\nexport const a = 1;\n',
    'typescript(triple-slash-reference)',
  ],
};

/** The other rules: what they refuse, and where they do not hold. */
const others: readonly [name: string, file: string, text: string, rule: string | undefined][] = [
  ['any', `${KERNEL}/any.ts`, 'export const a: any = 1;\n', 'typescript(no-explicit-any)'],
  [
    'a non-null assertion',
    `${KERNEL}/bang.ts`,
    'export const a = (b?: string): string => b!;\n',
    'typescript(no-non-null-assertion)',
  ],
  ['a default export', `${KERNEL}/default.ts`, 'export default 1;\n', 'import(no-default-export)'],
  ['a default export of configuration', 'test/some.config.ts', 'export default 1;\n', undefined],
  ['console in a package', `${KERNEL}/console.ts`, 'console.log(1);\n', 'eslint(no-console)'],
  ['console in an entry point', 'shared/runtime/src/main.js', 'console.log(1);\n', undefined],
  ['console in test', 'test/run.ts', 'console.log(1);\n', undefined],
  ['@ts-ignore', `${KERNEL}/ignore.ts`, '// @ts-ignore\nexport const a = 1;\n', 'typescript(ban-ts-comment)'],
  [
    'a promise that nobody waits for',
    'shared/messaging/src/floating.ts',
    'const work = async (): Promise<void> => {};\nexport const start = (): void => {\n  work();\n};\n',
    'typescript(no-floating-promises)',
  ],
  [
    'a cycle',
    `${KERNEL}/cycle.ts`,
    "import { b } from './cycle-2.ts';\nexport const a = (): number => b();\n",
    'import(no-cycle)',
  ],
  [
    'the other half of the cycle',
    `${KERNEL}/cycle-2.ts`,
    "import { a } from './cycle.ts';\nexport const b = (): number => a();\n",
    'import(no-cycle)',
  ],
  [
    'a test that runs alone',
    'test/system/only.test.ts',
    "import { expect, test } from 'vitest';\ntest.only('a', () => expect(1).toBe(1));\n",
    'vitest(no-focused-tests)',
  ],
  [
    'a test that is skipped',
    'shared/kernel/test/skip.test.ts',
    "import { expect, test } from 'vitest';\ntest.skip('a', () => expect(1).toBe(1));\n",
    'vitest(no-disabled-tests)',
  ],
  [
    'types of the kernel in a domain',
    `${CORE}/types.ts`,
    "import type { Word } from '@waggle/kernel';\nexport type W = Word;\n",
    undefined,
  ],
  [
    'types and a value of the kernel in a domain',
    `${CORE}/mixed.ts`,
    "import { type Word, word } from '@waggle/kernel';\nexport const w: Word = word;\n",
    RESTRICTED,
  ],
];

/** What may be imported, all of it, in the same places: the clean tree. */
const clean: Readonly<Record<string, string>> = {
  [`${KERNEL}/index.ts`]: "export * from './words.ts';\n",
  [`${KERNEL}/words.ts`]: "export type Word = string;\nexport const word: Word = 'word';\n",
  ...Object.fromEntries(
    arrows.map(({ from, may }) => [
      from,
      [...may.map((name) => `import '${name}';\n`), 'export const planted = 1;\n'].join(''),
    ]),
  ),
};

const refused = arrows.flatMap(({ from, mayNot }) =>
  mayNot.map((name, index) => ({ from, name, file: elsewhere(from, index) })),
);
const formed = Object.entries(forms).map(([name, [text, rule]], index) => ({
  name,
  rule,
  text,
  file: `${CORE}/form-${index}.ts`,
}));

const fixture = createFixture(['shared/kernel', 'shared/messaging', 'adapters/memory', 'test']);
afterAll(() => fixture.remove());

test('a repository that keeps the rules passes', async () => {
  fixture.write(clean);
  expect(await fixture.lint()).toEqual([]);
});

/** One run over the clean tree with every violation in a file of its own: what is said of each file is compared exactly. */
describe('of a repository with violations', () => {
  let findings: readonly Finding[];
  const rulesOf = (file: string): readonly string[] =>
    findings.filter((found) => found.file === file).map(({ rule }) => rule);

  beforeAll(async () => {
    fixture.write(clean);
    fixture.write(Object.fromEntries(refused.map(({ file, name }) => [file, `import '${name}';\n`])));
    fixture.write(Object.fromEntries(formed.map(({ file, text }) => [file, text])));
    fixture.write(Object.fromEntries(others.map(([, file, text]) => [file, text])));
    findings = await fixture.lint();
  });

  test.each(refused)('$from may not import $name', ({ file }) => {
    expect(rulesOf(file)).toEqual([RESTRICTED]);
  });

  test.each(formed)('a forbidden import is refused as $name', ({ file, rule }) => {
    expect(rulesOf(file)).toEqual([rule]);
  });

  test.each(others)('%s', (_, file, __, rule) => {
    expect(rulesOf(file)).toEqual(rule === undefined ? [] : [rule]);
  });

  test('nothing else is reported', () => {
    const planted = new Set([...refused, ...formed].map(({ file }) => file));
    for (const [, file] of others) planted.add(file);
    expect(findings.filter(({ file }) => !planted.has(file))).toEqual([]);
  });
});
