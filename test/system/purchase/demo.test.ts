import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadServices } from '@waggle/runtime';
import { paymentsService } from '@waggle/service-payments';
import { expect, onTestFinished, test } from 'vitest';
import { adaptersWith } from '../../adapters/discover.ts';
import { startPrivateServer } from '../../servers/servers.ts';
import { expected } from './outcome.ts';
import { runDemo } from './run-demo.ts';

const ROOT = new URL('../../..', import.meta.url);

/** Runs the demo as a user does, in an environment of which nothing but the path is ours. */
function demo(args: readonly string[], environment: Record<string, string> = {}) {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment };
  return new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      ['test/system/purchase/demo.ts', ...args],
      { cwd: ROOT, env },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

test('the demo tells the story of every message, and ends with status 0', async () => {
  const { status, stdout, stderr } = await demo([]);
  expect([status, stderr]).toEqual([0, '']);
  for (const line of [
    /^Waggle: notifications, ordering, payments in one process on memory, at http:/m,
    /^ {2}bob's order\n.* ms {2}ordering +announced ordering\.order-placed\.v1/m,
    / ms {2}ordering +asked for payments\.take-payment\.v1/,
    / ms {2}payments +handled +payments\.take-payment\.v1/,
    / ms {2}payments +announced payments\.payment-declined\.v1/,
    / ms {2}ordering\.settle-order +handled +payments\.payment-declined\.v1/,
    / ms {2}notifications\.notify-customer +handled +ordering\.order-rejected\.v1/,
    /^ {2}a message that nobody can understand\n/m,
    / ms {2}ordering\.settle-order +gave up on payments\.payment-taken\.v1[^]*because data\.orderId:/,
    /^ {2}3 orders: 2 confirmed, 1 rejected; 3 customers notified; 1 dead letter\. In \d+ ms\.$/m,
    /^ {2}Everything is as it should be\.$/m,
  ]) {
    expect(stdout).toMatch(line);
  }
});

test('a wrong outcome ends with status 1, and what was expected', async () => {
  const written: string[] = [];
  const services = (await loadServices([], 'memory')).map((service) =>
    service.name === 'payments' ? paymentsService({ limitMinor: 3_000 }) : service,
  );
  const write = (text: string): void => void written.push(text);
  const options = { json: false, environment: {}, write, log: write };
  expect(await runDemo({ ...options, services })).toBe(1);
  expect(written.join('')).toContain('3 orders: 1 confirmed, 2 rejected');
  expect(written.join('')).toContain('This is not what was expected');
});

const kept = (await adaptersWith('store')).flatMap(({ name, part: { use } }) =>
  use?.keptIn === undefined ? [] : [[name, use.keptIn] as const],
);

test.for(kept)('over one file, the second run finds the orders of the first: %s', async ([store, keptIn]) => {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-demo-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const environment = { STORE: store, ...keptIn(folder) };
  const first = await demo([], environment);
  expect([first.status, first.stderr]).toEqual([0, '']);
  expect(first.stdout).toContain(`in one process on memory and ${store}, at http:`);
  expect(first.stdout).not.toContain('earlier runs');
  const second = await demo([], environment);
  expect([second.status, second.stderr]).toEqual([0, '']);
  expect(second.stdout).toContain('3 orders of earlier runs are still there.');
  expect(second.stdout).toContain('Everything is as it should be.');
});

test('with --json the outcome alone is on standard output, however much is logged', async () => {
  const { status, stdout, stderr } = await demo(['--json'], { LOG_LEVEL: 'debug' });
  expect(status).toBe(0);
  expect(stdout).toBe(`${JSON.stringify(expected, undefined, 2)}\n`);
  expect(stderr).toContain('started');
});

test('what the environment says to hosts does not disturb the demo', async () => {
  const environment = {
    API_TOKEN: 'x',
    HOST: '0.0.0.0',
    PORT: '1',
    SERVICES: 'ordering',
    NAMESPACE: 'Not Good',
    LANES: '0',
    LOG_FORMAT: 'x',
    SHUTDOWN_TIMEOUT_MS: 'soon',
  };
  expect(await demo(['--json'], environment)).toMatchObject({
    status: 0,
    stdout: `${JSON.stringify(expected, undefined, 2)}\n`,
  });
});

test.each(['--jsn', '--json=yes', 'memory'])('"%s" is refused with what to write', async (word) => {
  const { status, stdout, stderr } = await demo([word]);
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^\[waggle\] .*: write npm run demo, or npm run --silent demo -- --json\n$/);
});

const listed = (await adaptersWith('broker')).flatMap(({ name, part: { use }, testing: { server } }) =>
  use?.listing === undefined || server === undefined ? [] : [{ name, use, listing: use.listing }],
);

test.for(listed)(
  'on a server of $name that was named by its URL the demo can run again, and leaves nothing',
  async ({ name, use, listing }) => {
    const server = await startPrivateServer(name);
    onTestFinished(server.stop);
    const environment = { BROKER: name, ...use.environment(server.url), NAMESPACE: 'fixed' };
    for (let time = 0; time < 2; time++) expect((await demo(['--json'], environment)).status).toBe(0);
    expect(await listing(server)).not.toContain('demo-');
  },
);
