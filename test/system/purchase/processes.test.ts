import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { durable, environmentFor } from './environment.ts';

const ROOT = new URL('../../..', import.meta.url);
const MAIN = fileURLToPath(new URL('shared/runtime/src/main.js', ROOT));

/** One service as a process of its own, as in production. Resolves with its URL once it takes requests. */
async function startProcess(name: string, environment: Record<string, string>): Promise<string> {
  const env = { ...process.env, ...environment, SERVICES: name, LOG_LEVEL: 'info', API_TOKEN: '' };
  const child = spawn(process.execPath, [MAIN], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  const told: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    told.push(line);
    if (line.includes('"msg":"started"')) return (JSON.parse(line) as { readonly url: string }).url;
  }
  throw new Error(`${name} did not start:\n${told.join('\n')}`);
}

test.each(durable)('services in processes of their own complete a purchase on %s', async (broker) => {
  const environment = await environmentFor(broker);
  // Before anything is published: a group gets what comes after it was first declared.
  const [ordering, , notifications] = await Promise.all(
    ['ordering', 'payments', 'notifications'].map((name) => startProcess(name, environment)),
  );
  const response = await fetch(`${ordering}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      customerId: 'ada',
      lines: [{ sku: 'honey-jar', quantity: 1, unitPrice: { amountMinor: 900, currency: 'EUR' } }],
    }),
  });
  expect(response.status).toBe(202);
  const { orderId } = (await response.json()) as { readonly orderId: string };
  await expect
    .poll(async () => (await fetch(`${notifications}/notices`)).json(), { timeout: 20_000 })
    .toEqual([{ orderId, customerId: 'ada', text: 'Thank you: your order is confirmed.' }]);
});
