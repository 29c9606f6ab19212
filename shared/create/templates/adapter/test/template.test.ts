import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startVitest } from 'vitest/node';
import { messageOf } from '@waggle/kernel';
import { clauses, contractCases, runCases, stillToDo } from '@waggle/test/contract';
import { contractSettings } from '@waggle/test/contract/settings';
import { broker } from '../src/module.ts';
import { connectionOver } from '../src/paper-plane-connection.ts';
import { paperPlaneHarness } from '../testing/harness.ts';

// Of the template alone, and not part of an adapter that is made of it.

/** Without a connection the kit keeps these. */
const KEPT_ALREADY = [
  '[A3] closing what was never opened resolves, and it cannot be opened afterwards',
  '[A5] an aborted signal keeps it from opening, and is the reason',
  '[A6] closing while it opens leaves it closed',
];

test('of a new adapter every clause of the suite fails, and says at once what is still to do', async () => {
  const results = await runCases(contractCases, await paperPlaneHarness(), 8);
  const passed = results.filter(({ error }) => error === undefined);
  expect(passed.map((result) => result.case.name).toSorted()).toEqual(KEPT_ALREADY);

  const failed = results.filter(({ error }) => error !== undefined);
  expect(failed.filter(({ error }) => stillToDo(error) === undefined)).toEqual([]);
  expect(new Set(failed.map((result) => result.case.id))).toEqual(new Set(Object.keys(clauses)));
  expect([...new Set(failed.map(({ error }) => stillToDo(error)))].toSorted()).toEqual([
    expect.stringContaining('[paper-plane] connect is not written yet: '),
    expect.stringContaining('has no hook "link": '),
    expect.stringContaining('has no hook "privateServer": '),
    expect.stringContaining('has no hook "restricted": '),
    expect.stringContaining('has no hook "secured": '),
  ]);
});

test('under Vitest each of these sentences stands once, without a stack', async () => {
  const vitest = await startVitest('test', [], {
    config: false,
    root: fileURLToPath(new URL('..', import.meta.url)),
    include: ['test/contract.suite.ts'],
    reporters: [{}],
    watch: false,
  });
  const errors = vitest.state
    .getTestModules()
    .flatMap((module) => [...module.children.allTests('failed')])
    .flatMap((failed) => failed.result().errors ?? []);
  await vitest.close();
  expect(errors.length).toBeGreaterThan(200);
  for (const { message, stack } of errors) expect(stack).toBe(message);
  expect(new Set(errors.map(({ stack }) => stack)).size).toBe(5);
});

test('once it connects, each method of the connection says what it has to do', async () => {
  const client = { close: async () => undefined };
  const { close, ...methods } = connectionOver(client, contractSettings({ namespace: 'template' }));
  const callable = Object.entries(methods).filter(([, method]) => typeof method === 'function');
  expect(callable).toHaveLength(7);
  for (const [name, method] of callable) {
    const call = async (): Promise<unknown> => (method as () => unknown)();
    const said = await call().then(() => 'nothing', messageOf);
    expect(said).toContain(`[waggle] [paper-plane] ${name} is not written yet: `);
    expect(said).toContain(' (docs/writing-an-adapter.md)');
  }
  await close();
});

test('.env.example has each setting with its meaning and default', async () => {
  const lines = Object.entries(broker.settings).map(
    ([name, { description, default: value = '' }]) => `# ${description}\n${name}=${value}\n`,
  );
  const file = await readFile(new URL('../.env.example', import.meta.url), 'utf8');
  expect(file).toBe(`# --- BROKER=paper-plane ---\n\n${lines.join('')}`);
});
