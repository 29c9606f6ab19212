import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { startHost } from '@waggle/runtime';
import type { Environment, Host, Service } from '@waggle/runtime';
import { obtainServer } from '../../servers/servers.ts';
import type { Journal } from './journal.ts';
import { createJournal } from './journal.ts';
import type { Outcome } from './outcome.ts';
import { expected, readOutcome } from './outcome.ts';
import { purchases, SOURCES } from './purchase.ts';
import { runPurchases } from './run-purchases.ts';
import { tell } from './story.ts';
import { sweep } from '../sweep.ts';

const ROOT = join(import.meta.dirname, '../../..');
const URL_SETTINGS = { nats: 'NATS_URL', rabbitmq: 'RABBITMQ_URL' } as const;
/** What the demo may be told; everything else is its own, so that it runs the same everywhere. */
const PASSED_ON = /^(BROKER|STORE|LOG_LEVEL|[A-Z]+_URL|(NATS|RABBITMQ|SQLITE|DATABASE)_[A-Z_]+)$/;

export interface DemoOptions {
  readonly json: boolean;
  readonly environment: Environment;
  /** To standard output. */
  write(text: string): void;
  /** To standard error. */
  log(line: string): void;
  /** @default all in services/ */
  readonly services?: readonly Service[];
}

/**
 * All services in one process: drives purchases through them over HTTP, follows every message from its producer to its
 * consumers, checks the outcome. Returns 0 if it is the expected one, else 1.
 */
export async function runDemo({ environment, services, ...options }: DemoOptions): Promise<0 | 1> {
  const passedOn = Object.fromEntries(Object.entries(environment).filter(([name]) => PASSED_ON.test(name)));
  // A store that lasts is found again by its namespace; else each run has one of its own, on whatever server.
  const lasts = (environment['STORE'] || 'memory') !== 'memory';
  const NAMESPACE = lasts ? 'demo' : `demo-${crypto.randomUUID().slice(0, 8)}`;
  const database = await databaseFor(environment, options.log);
  const server = await serverFor(environment['BROKER'] || 'memory', NAMESPACE, options.log);
  const journal = createJournal();
  try {
    const host = await startHost({
      ...(services && { services }),
      environment: {
        LOG_LEVEL: 'silent', // what goes wrong on purpose is told by the story
        SQLITE_FILE: join(ROOT, '.waggle/demo.sqlite'),
        ...passedOn,
        ...database.environment,
        ...server.environment,
        NAMESPACE,
        LOG_FORMAT: 'text',
        LANES: '4',
        RETENTION_MAX_BYTES: '16777216',
        PORT: '0',
      },
      observer: journal.observer,
    });
    try {
      return await run(host, journal, options);
    } finally {
      await host.stop();
    }
  } finally {
    await server.leave();
    await database.leave();
  }
}

async function run(
  host: Host,
  journal: Journal,
  options: Pick<DemoOptions, 'json' | 'write'>,
): Promise<0 | 1> {
  const say = (text: string): void => void (options.json || options.write(`${text}\n`));
  const health = (await (await fetch(`${host.url}/health`)).json()) as {
    broker: { name: string };
    store: { name: string };
    services: string[];
  };
  const { broker, store } = health;
  const where = store.name === 'memory' ? broker.name : `${broker.name} and ${store.name}`;
  say(`\nWaggle: ${health.services.join(', ')} in one process on ${where}, at ${host.url}\n`);
  const { orders: earlier } = await readOutcome(host);
  if (earlier.length > 0) say(`  ${earlier.length} orders of earlier runs are still there.\n`);
  const outcome = await runPurchases(host, journal);
  const tookMs = journal.nowMs();
  const titles = new Map(purchases.map(({ customerId }) => [customerId, `${customerId}'s order`]));
  say(tell(journal.entries, titles.set('poison', 'a message that nobody can understand')));
  say(`\n  ${inShort(outcome)} In ${tookMs.toFixed(0)} ms.`);
  if (options.json) options.write(`${JSON.stringify(outcome, undefined, 2)}\n`);
  const asExpected = isDeepStrictEqual(outcome, expected);
  say(
    asExpected
      ? '  Everything is as it should be.\n'
      : `  This is not what was expected:\n${JSON.stringify(expected, undefined, 2)}\n`,
  );
  return asExpected ? 0 : 1;
}

function inShort({ orders, notices, deadLetters }: Outcome): string {
  const confirmed = orders.filter(({ status }) => status === 'confirmed').length;
  return (
    `${orders.length} orders: ${confirmed} confirmed, ${orders.length - confirmed} rejected; ` +
    `${notices.length} customers notified; ${deadLetters.length} dead letter.`
  );
}

/** PostgreSQL, where it is asked for and not named. */
async function databaseFor(environment: Environment, log: (line: string) => void) {
  if (environment['STORE'] !== 'postgres' || environment['DATABASE_URL'])
    return { environment: {}, leave: async () => undefined };
  const { url, stop } = await obtainServer('postgres', { log });
  return { environment: { DATABASE_URL: url }, leave: stop };
}

/** A real server for the brokers that need one; on one that others use as well, nothing is left behind. */
async function serverFor(broker: string, namespace: string, log: (line: string) => void) {
  if (broker !== 'nats' && broker !== 'rabbitmq') return { environment: {}, leave: async () => undefined };
  const { url, origin, stop } = await obtainServer(broker, { log });
  return {
    environment: { [URL_SETTINGS[broker]]: url },
    async leave() {
      try {
        if (origin !== 'binary') await sweep(broker, url, namespace, SOURCES);
      } finally {
        await stop();
      }
    },
  };
}
