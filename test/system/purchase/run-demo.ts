import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { hostSettings, startHost } from '@waggle/runtime';
import type { Environment, Host, Service } from '@waggle/runtime';
import type { AdapterTesting } from '../../adapters/adapter-testing.ts';
import { adapterNames, adapterTesting } from '../../adapters/discover.ts';
import { obtainServer } from '../../servers/servers.ts';
import type { Journal } from './journal.ts';
import { createJournal } from './journal.ts';
import type { Outcome } from './outcome.ts';
import { expected, readOutcome } from './outcome.ts';
import { purchases, SOURCES } from './purchase.ts';
import { runPurchases } from './run-purchases.ts';
import { tell } from './story.ts';
import { LANES } from '../start.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** What the demo may be told of the host's settings; the others are its own, so that it runs the same everywhere. */
const PASSED_ON = ['BROKER', 'STORE', 'LOG_LEVEL'];

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
  const isPassedOn = (name: string): boolean => PASSED_ON.includes(name) || !(name in hostSettings);
  const passedOn = Object.fromEntries(Object.entries(environment).filter(([name]) => isPassedOn(name)));
  // A store that lasts is found again by its namespace; else each run has one of its own, on whatever server.
  const lasts = (environment['STORE'] || 'memory') !== 'memory';
  const NAMESPACE = lasts ? 'demo' : `demo-${crypto.randomUUID().slice(0, 8)}`;
  const store = await storeFor(environment, options.log);
  const broker = await brokerFor(environment, NAMESPACE, options.log);
  const journal = createJournal();
  try {
    const host = await startHost({
      ...(services && { services }),
      environment: {
        LOG_LEVEL: 'silent', // what goes wrong on purpose is told by the story
        ...store.usual,
        ...passedOn,
        ...store.environment,
        ...broker.environment,
        NAMESPACE,
        LOG_FORMAT: 'text',
        LANES: `${LANES}`,
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
    await broker.leave();
    await store.leave();
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

const nothing = { environment: {}, leave: async () => undefined };

/** What the setting names, where its folder brings something for tests; a package from elsewhere finds its server by itself. */
async function adapterOf(name: string | undefined): Promise<AdapterTesting> {
  return name !== undefined && adapterNames().includes(name) ? adapterTesting(name) : {};
}

/** A server for the store that is asked for, where none is named; or a file that the next run finds. */
async function storeFor(environment: Environment, log: (line: string) => void) {
  const name = environment['STORE'] ?? '';
  const { server, store } = await adapterOf(name);
  const usual = store?.use?.keptIn?.(join(ROOT, '.waggle/demo')) ?? {};
  if (server === undefined || environment[server.variable]) return { ...nothing, usual };
  const { url, stop } = await obtainServer(name, { log });
  return { environment: { [server.variable]: url }, usual, leave: stop };
}

/** A real server for a broker that needs one; on one that others use as well, nothing is left behind. */
async function brokerFor(environment: Environment, namespace: string, log: (line: string) => void) {
  const name = environment['BROKER'] ?? '';
  const { server, broker } = await adapterOf(name);
  if (server === undefined) return nothing;
  const { url, origin, stop } = await obtainServer(name, { log });
  return {
    environment: { [server.variable]: url },
    async leave() {
      try {
        if (origin !== 'binary') await broker?.use?.sweep(url, namespace, { sources: SOURCES, lanes: LANES });
      } finally {
        await stop();
      }
    },
  };
}
