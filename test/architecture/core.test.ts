import { afterAll, expect, test } from 'vitest';
import { createFixture } from './fixture.ts';

/** Folders that must not know Node, by the workspace that compiles them. */
const cores = [
  ['shared/kernel', 'shared/kernel/src'],
  ['shared/contracts', 'shared/contracts/src'],
  ['services/made-up', 'services/made-up/src/domain'],
  ['services/made-up', 'services/made-up/src/application'],
] as const;

const planted: Readonly<Record<string, string>> = {
  'process.ts': 'export const home = process.env;\n',
  'buffer.ts': "export const bytes = Buffer.from('text');\n",
  'timer.ts': 'export const timer = setTimeout(() => undefined, 1);\n',
  'console.ts': "console.log('text');\n",
  'module.ts': "export { readFileSync } from 'node:fs';\n",
  'any.ts': 'export const twice = (text) => text + text;\n',
};

const fixture = createFixture(['shared/kernel', 'shared/contracts']);
afterAll(() => fixture.remove());

const compileAll = () =>
  Promise.all(
    [...new Set(cores.map(([workspace]) => workspace))].map((workspace) => fixture.compileCore(workspace)),
  );

test('what a core needs compiles without Node, and each use of Node in a core is an error', async () => {
  fixture.write({
    'shared/kernel/src/index.ts': 'export interface Clock {\n  now(): number;\n}\n',
    'shared/contracts/src/index.ts':
      "import { z } from 'zod';\nexport const order = z.object({ id: z.string() });\n",
    'services/made-up/src/domain/rule.ts': 'export const at = (time: number): Date => new Date(time);\n',
    'services/made-up/src/application/use-case.ts':
      "import { order } from '@waggle/contracts';\nimport type { Clock } from '@waggle/kernel';\nimport { at } from '../domain/rule.ts';\nexport const place = (clock: Clock): unknown => [order.parse({}), at(clock.now())];\n",
  });
  expect((await compileAll()).flat()).toEqual([]);

  const expected = cores.flatMap(([, folder]) => Object.keys(planted).map((name) => `${folder}/${name}`));
  for (const [, folder] of cores) {
    fixture.write(
      Object.fromEntries(Object.entries(planted).map(([name, text]) => [`${folder}/${name}`, text])),
    );
  }
  const found = new Set((await compileAll()).flat().map(({ file }) => file));
  expect([...found].toSorted()).toEqual(expected.toSorted());
});
