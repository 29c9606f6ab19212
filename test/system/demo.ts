import { isDeepStrictEqual } from 'node:util';
import { loadServices, startHost } from '@waggle/runtime';
import type { Host } from '@waggle/runtime';
import { obtainServer } from '../servers/servers.ts';
import type { Journal } from './journal.ts';
import { createJournal } from './journal.ts';
import { expected } from './outcome.ts';
import { purchases } from './purchase.ts';
import { runPurchases } from './run-purchases.ts';
import { tell } from './story.ts';

/**
 * All services in one process: drives purchases through them over HTTP, follows every message from its producer to its
 * consumers, checks the outcome. Ends with status 0 if it is the expected one. With `--json` the outcome alone.
 */
const BROKERS_WITH_A_SERVER = { nats: 'NATS_URL', rabbitmq: 'RABBITMQ_URL' } as const;

const json = process.argv.includes('--json');
const say = (text: string): void => void (json || process.stdout.write(`${text}\n`));

async function main(): Promise<number> {
  const server = await serverFor(process.env['BROKER'] ?? 'memory');
  const journal = createJournal();
  const host = await startHost({
    services: await loadServices([], 'memory'),
    environment: {
      LOG_LEVEL: 'error',
      LOG_FORMAT: 'text',
      // A namespace of its own, and little of the disk: nothing of an earlier run is seen, on whatever server.
      NAMESPACE: `demo-${crypto.randomUUID().slice(0, 8)}`,
      RETENTION_MAX_BYTES: '16777216',
      ...process.env,
      ...server.environment,
      PORT: '0',
    },
    observer: journal.observer,
  });
  try {
    return await run(host, journal);
  } finally {
    await host.stop();
    await server.stop();
  }
}

async function run(host: Host, journal: Journal): Promise<number> {
  const health = (await (await fetch(`${host.url}/health`)).json()) as {
    broker: { name: string };
    services: string[];
  };
  say(`\nWaggle: ${health.services.join(', ')} in one process on ${health.broker.name}, at ${host.url}\n`);
  const outcome = await runPurchases(host, journal);
  const tookMs = journal.nowMs();
  const titles = new Map(purchases.map(({ customerId }) => [customerId, `${customerId}'s order`]));
  say(tell(journal.entries, titles.set('poison', 'a message that nobody can understand')));
  if (json) process.stdout.write(`${JSON.stringify(outcome, undefined, 2)}\n`);
  const asExpected = isDeepStrictEqual(outcome, expected);
  const confirmed = outcome.orders.filter(({ status }) => status === 'confirmed').length;
  say(
    `\n  ${outcome.orders.length} orders: ${confirmed} confirmed, ${outcome.orders.length - confirmed} rejected; ` +
      `${outcome.notices.length} customers notified; ${outcome.deadLetters.length} dead letter. In ${tookMs.toFixed(0)} ms.`,
  );
  say(
    asExpected
      ? '  Everything is as it should be.\n'
      : `  This is not what was expected:\n${JSON.stringify(expected, undefined, 2)}\n`,
  );
  return asExpected ? 0 : 1;
}

/** A real server for the brokers that need one, unless a URL names one. */
async function serverFor(broker: string) {
  if (broker !== 'nats' && broker !== 'rabbitmq') return { environment: {}, stop: async () => undefined };
  const { url, stop } = await obtainServer(broker, { log: (line) => process.stderr.write(`${line}\n`) });
  return { environment: { [BROKERS_WITH_A_SERVER[broker]]: url }, stop };
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
