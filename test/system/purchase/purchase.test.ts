import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Service } from '@waggle/runtime';
import { loadServices, startHost } from '@waggle/runtime';
import { paymentsService } from '@waggle/service-payments';
import { expect, onTestFinished, test } from 'vitest';
import { adaptersWith } from '../../adapters/discover.ts';
import { serverUrl } from '../../setup/server-url.ts';
import { createJournal } from './journal.ts';
import { expected } from './outcome.ts';
import { runPurchases } from './run-purchases.ts';
import { brokers, environmentFor } from './environment.ts';

const run = promisify(execFile);
const ROOT = new URL('../../..', import.meta.url);
const stores = (await adaptersWith('store')).flatMap(({ name, part: { use }, testing: { server } }) =>
  use === undefined ? [] : [{ name, use, hasServer: server !== undefined }],
);

async function outcomeOn(broker: string, services: readonly Service[]) {
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

/** Where nothing of another run is. */
async function storeEnvironment(store: string): Promise<Record<string, string>> {
  const one = stores.find(({ name }) => name === store);
  if (one === undefined) return {};
  const url = one.hasServer ? await serverUrl(store) : '';
  const { environment, sweep } = await one.use.settle(url, 'demo');
  if (!one.hasServer) onTestFinished(sweep);
  return environment;
}

test.each(['memory', ...stores.map(({ name }) => name)])(
  'the demo prints the same JSON on every broker with %s, to the byte',
  async (store) => {
    async function demoOn(broker: string): Promise<void> {
      const env = {
        ...{ ...process.env, ...(await environmentFor(broker)), ...(await storeEnvironment(store)) },
        ...{ STORE: store, LOG_LEVEL: 'debug' },
      };
      const args = ['test/system/purchase/demo.ts', '--json'];
      const { stdout, stderr } = await run(process.execPath, args, { cwd: ROOT, env });
      expect(stdout).toBe(`${JSON.stringify(expected, undefined, 2)}\n`);
      expect(stderr).toContain('started');
    }
    // Demos on one database are one system, with one outbox: they take turns.
    if (stores.some(({ name, hasServer }) => name === store && hasServer))
      for (const broker of brokers) await demoOn(broker);
    else await Promise.all(brokers.map(demoOn));
  },
);
