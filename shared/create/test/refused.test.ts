import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { main } from '../src/main.ts';
import { filesIn, copyOfRepository } from './repository.ts';

const LONG = 'x'.repeat(300);
/** What somebody, or something, may type where a name is wanted. */
const hostile: readonly string[] = [
  ...[
    '',
    ' ',
    'two words',
    ' billing',
    'billing ',
    'bill\ting',
    'bill\ning',
    'bill\0ing',
    'billing\u200b',
    LONG,
  ],
  ...['../evil', '../../etc/passwd', '/etc/passwd', '..', '.', './billing', 'a/b', 'a\\b', 'C:\\temp', '~'],
  ...[
    'Billing',
    'BILLING',
    'billIng',
    'bill_ing',
    'bill.ing',
    'billing.',
    '.billing',
    '-billing',
    'billing-',
    'a--b',
  ],
  ...['1billing', '42', 'büro', 'счёт', '請求', '💸', 'e\u0301tude', 'ﬁling', '＠acme', '@acme/billing'],
  ...['class', 'new', 'await', 'constructor', 'undefined', 'promise', 'object', 'con', 'nul', 'com1'],
  ...[
    '$HOME',
    '$(reboot)',
    '`reboot`',
    'a;reboot',
    'a|b',
    "a'b",
    'a"b',
    '<a>',
    '%2e%2e',
    '__proto__',
    '*',
    '{a,b}',
  ],
];

let root: string;
let before: ReadonlyMap<string, string>;
let said = '';

beforeAll(() => {
  root = copyOfRepository();
  mkdirSync(join(root, 'services', 'occupied'), { recursive: true });
  before = filesIn(root);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

// The tree is as it was.
afterEach(() => {
  assert.deepEqual(filesIn(root), before);
});

/** Refused with what was wrong, what was got and what to do, in a sentence. */
async function refused(args: readonly string[]): Promise<string> {
  said = '';
  expect(await main(args, root)).toBeGreaterThan(0);
  expect(said).toMatch(/^\[waggle\] .{20,500}\n/s);
  expect(said).not.toMatch(/\n {4}at /);
  return said;
}

test('there are fifty of them at least', () => {
  expect(new Set(hostile).size).toBeGreaterThanOrEqual(50);
});

describe.each([...new Set(hostile)])('%j', (name) => {
  test('names no service', async () => {
    expect(await refused(['service', name])).toMatch(/cannot name|npm run new:service/);
  });

  test('names no adapter, and no scope; nothing of that name can be removed', async () => {
    await refused(['adapter', name]);
    await refused(['rename', `@${name}`]);
    await refused(['remove', name]);
  });

  test('names nothing that a service keeps', async () => {
    await refused(['service', 'billing', `--entity=${name}`]);
  });

  test('names no event, and no context of one', async () => {
    await refused(['event', name]);
    await refused(['event', `${name}.invoice-issued.v1`]);
    await refused(['event', `billing.${name}.v1`]);
  });

  test('names no service, no event and no use case of a handler', async () => {
    await refused(['handler', name, 'occupied.nothing-there.v1']);
    await refused(['handler', 'occupied', name]);
    await refused(['handler', 'occupied', 'occupied.nothing-there.v1', `--name=${name}`]);
  });
});

test.each([
  ['what is there', ['service', 'occupied'], '/occupied is already there: choose another name, or remove'],
  ['an adapter that is there', ['adapter', 'memory'], 'adapters/memory is already there'],
  ['a path of the host', ['service', 'health'], 'the host itself answers /health'],
  [
    'a word that the code uses',
    ['service', 'billing', '--entity', 'title'],
    'the code of a new one already says title',
  ],
  ['a file that is no context', ['service', 'registry'], 'shared/contracts/src/registry is something else'],
  [
    'a file that is no context',
    ['event', 'money.coin-minted.v1'],
    'shared/contracts/src/money is something else',
  ],
  ['a word that contracts use', ['event', 'billing.define-event.v1'], 'already says defineEvent'],
  ['no version', ['event', 'billing.invoice-issued'], 'write <context>.<past-tense>.v<major>'],
  ['version 0', ['event', 'billing.invoice-issued.v0'], 'write <context>.<past-tense>.v<major>'],
  ['no name', ['service'], 'npm run new:service -- <name>'],
  ['two names', ['service', 'one', 'two'], '2 names given, 1 wanted'],
  ['an option there is not', ['service', 'billing', '--force'], "'--force'"],
  ['nothing that can be made', ['planet', 'earth'], 'there is nothing to make called "planet"'],
  ['a service there is not', ['handler', 'nobody', 'a.b-done.v1'], 'there is no service "nobody", only '],
])('%s is refused, and it is said why', async (_, args, why) => {
  expect(await refused(args)).toContain(why);
});
