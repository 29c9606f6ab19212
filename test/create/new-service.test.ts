import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { brokers, environmentFor } from '../system/start.ts';
import { changedSince, cloneRepository, type Clone } from './clone.ts';

/** One that nobody has yet, so that these tests also hold in a repository that has grown. */
const SERVICE = ['invoices', 'receipts', 'vouchers', 'coupons', 'tickets'].find(
  (name) => !existsSync(new URL(`../../services/${name}`, import.meta.url)),
);
const ENTITY = SERVICE?.slice(0, -1) ?? '';
const ADAPTER = 'carrier-crow';
const FOLDER = `services/${SERVICE}`;
/** From the command to a service that has answered and has handled an event. */
const WITHIN_MS = 60_000;
let clone: Clone;
let before: ReadonlyMap<string, string>;
/** How long it took to be made, and its tests to be green. */
let madeMs: number;

beforeAll(async () => {
  clone = cloneRepository();
  before = clone.contents();
  const began = performance.now();
  await clone.run('npm', ['run', 'new:service', '--', `${SERVICE}`]);
  await clone.run('npm', ['test', '--workspace', FOLDER]);
  madeMs = performance.now() - began;
});
afterAll(() => clone.remove());

/** `npm start` of the clone. Resolves with its URL once it takes requests. */
async function start(environment: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(process.execPath, ['shared/runtime/src/main.js'], {
    cwd: clone.root,
    env: { PATH: process.env['PATH'], ...environment, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, 'exit');
  });
  const told: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    told.push(line);
    if (line.includes('"msg":"started"')) return (JSON.parse(line) as { readonly url: string }).url;
  }
  throw new Error(`the service ended before it took requests:\n${told.join('\n')}`);
}

test.each(brokers)(
  'a new service is tested, answers HTTP and has handled an event within a minute, on %s',
  async (broker) => {
    const environment = await environmentFor(broker, [`grp.${SERVICE}.acknowledge-${ENTITY}`]);
    const began = performance.now();
    const alone = broker === 'memory' ? {} : { SERVICES: `${SERVICE}` };
    const url = await start({ ...environment, ...alone });
    const response = await fetch(`${url}/${SERVICE}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'the first one' }),
    });
    expect(response.status).toBe(201);
    const location = response.headers.get('location') ?? '';
    await expect
      .poll(async () => (await fetch(url + location)).json(), { interval: 20 })
      .toMatchObject({ title: 'the first one', status: 'acknowledged' });
    const tookMs = madeMs + performance.now() - began;
    console.log(`[waggle] a new service on ${broker}: ${(tookMs / 1000).toFixed(1)} s`);
    expect(tookMs).toBeLessThan(WITHIN_MS);
  },
);

test('it is a folder and a file of contracts: nothing that was there is touched', () => {
  const changed = changedSince(before, clone.contents());
  expect(changed.filter((file) => before.has(file))).toEqual([]);
  const elsewhere = changed.filter((file) => !file.startsWith(`${FOLDER}/`));
  expect(elsewhere).toEqual([`shared/contracts/src/${SERVICE}.ts`]);
  expect(changed).toEqual(
    expect.arrayContaining(
      [
        ...['README.md', `${SERVICE}.http`, 'package.json', 'src/service.ts', `src/domain/${ENTITY}.ts`],
        ...[
          `src/application/open-${ENTITY}.ts`,
          'src/adapters/http.ts',
          `src/adapters/on-${ENTITY}-opened.ts`,
        ],
        ...[`test/${ENTITY}.test.ts`, `test/open-${ENTITY}.test.ts`, 'test/service.test.ts'],
      ].map((file) => join(FOLDER, file)),
    ),
  );
  const now = clone.contents();
  expect(changed.filter((file) => /honey|template/i.test(now.get(file) ?? ''))).toEqual([]);
});

test('a consumer of another service’s event is one command, which touches no other service', async () => {
  const made = clone.contents();
  await clone.run('npm', ['run', 'new:event', '--', 'parcels.parcel-lost.v1']);
  const declared = clone.contents();
  expect(changedSince(made, declared)).toEqual(['shared/contracts/src/parcels.ts']);
  await clone.run('npm', ['run', 'new:handler', '--', `${SERVICE}`, 'parcels.parcel-lost.v1']);
  expect(changedSince(declared, clone.contents())).toEqual(
    [
      ...[
        'README.md',
        'src/adapters/on-parcel-lost.ts',
        'src/application/keep-parcel-lost.ts',
        'src/service.ts',
      ],
      'test/keep-parcel-lost.test.ts',
    ].map((file) => join(FOLDER, file)),
  );
  const said = await clone.run('npm', ['test', '--workspace', FOLDER]);
  expect(said).toContain('test/keep-parcel-lost.test.ts (2 tests)');
});

test('an adapter is a folder, and its tests say clause by clause what is still to do', async () => {
  const others = clone.contents();
  await clone.run('npm', ['run', 'new:adapter', '--', ADAPTER]);
  const now = clone.contents();
  const made = changedSince(others, now);
  expect(made.filter((file) => !file.startsWith(`adapters/${ADAPTER}/`))).toEqual([]);
  expect(made.filter((file) => /paper.?plane|template/i.test(now.get(file) ?? ''))).toEqual([]);
  await clone.run('npm', ['run', 'env']);
  expect(changedSince(now, clone.contents())).toEqual([]); // its settings are listed as they are
  const said = await clone.run('npm', ['test', '--workspace', `adapters/${ADAPTER}`], { status: 1 });
  for (const clause of ['[A1]', '[B1]', '[E2]', '[F16]', '[H1]', '[Q5]'])
    expect(said).toContain(` FAIL  test/contract.test.ts > contract: ${ADAPTER} > ${clause} `);
  expect(said).toContain(`Still to do: [${ADAPTER}] connect is not written yet: `);
  expect(said).not.toMatch(/^ *at |❯ .*:\d+:\d+/m);
  const started = await clone.run('npm', ['start'], {
    environment: { BROKER: ADAPTER, PORT: '0' },
    status: 1,
  });
  expect(started).toContain(`[waggle] [${ADAPTER}] connect is not written yet`);
});

test('what was made is in order as it is', async () => {
  await clone.check([FOLDER, `adapters/${ADAPTER}`, 'shared/contracts']);
});

test('deleting it is the way back', async () => {
  rmSync(join(clone.root, FOLDER), { recursive: true });
  rmSync(join(clone.root, 'adapters', ADAPTER), { recursive: true });
  rmSync(join(clone.root, `shared/contracts/src/${SERVICE}.ts`));
  rmSync(join(clone.root, 'shared/contracts/src/parcels.ts'));
  expect(changedSince(before, clone.contents())).toEqual([]);
});
