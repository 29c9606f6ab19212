import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Service } from '@waggle/runtime';
import { loadServices, startHost } from '@waggle/runtime';
import { paymentsService } from '@waggle/service-payments';
import { expect, test } from 'vitest';
import { createJournal } from './journal.ts';
import { expected } from './outcome.ts';
import { runPurchases } from './run-purchases.ts';
import type { Broker } from './start.ts';
import { brokers, environmentFor } from './start.ts';

const run = promisify(execFile);
const ROOT = new URL('../..', import.meta.url);

async function outcomeOn(broker: Broker, services: readonly Service[]) {
  const journal = createJournal();
  const host = await startHost({
    services,
    environment: await environmentFor(broker),
    observer: journal.observer,
  });
  try {
    return await runPurchases(host, journal);
  } finally {
    await host.stop();
  }
}

test.each(brokers)('a purchase has the same outcome on %s', async (broker) => {
  const services = await loadServices([], broker);
  expect(await outcomeOn(broker, services)).toEqual(expected);
});

test.each(brokers)('another business rule changes the outcome on %s', async (broker) => {
  const services = await loadServices([], broker);
  const stricter = services.map((service) =>
    service.name === 'payments' ? paymentsService({ limitMinor: 3_000 }) : service,
  );
  const { orders, notices } = await outcomeOn(broker, stricter);
  expect(orders.map(({ customerId, status }) => [customerId, status])).toEqual([
    ['ada', 'confirmed'],
    ['bob', 'rejected'],
    ['cleo', 'rejected'],
  ]);
  expect(notices).toContainEqual({
    customerId: 'cleo',
    text: 'We are sorry: your order was rejected (over-limit).',
  });
});

test('the demo prints the same JSON on every broker, to the byte, and logs elsewhere', async () => {
  const outputs = await Promise.all(
    brokers.map(async (broker) => {
      const env = { ...process.env, ...(await environmentFor(broker)), LOG_LEVEL: 'debug' };
      return run(process.execPath, ['test/system/demo.ts', '--json'], { cwd: ROOT, env });
    }),
  );
  const [memory = { stdout: '', stderr: '' }, ...others] = outputs;
  expect(JSON.parse(memory.stdout)).toEqual(expected);
  expect(memory.stderr).toContain('started');
  for (const { stdout } of others) expect(stdout).toBe(memory.stdout);
});
