import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNatsDriver } from '@waggle/adapter-nats';
import { createPostgresStore } from '@waggle/adapter-postgres';
import { createSqliteStore } from '@waggle/adapter-sqlite';
import { silentLogger } from '@waggle/kernel';
import type { OutboxMessage, RelayOptions, Store, StoreSettings } from '@waggle/messaging';
import {
  createEventStore,
  createMessaging,
  createRelay,
  encode,
  partitionOf,
  randomIds,
  systemClock,
} from '@waggle/messaging';
import { connect } from 'nats';
import { connectionTo, sweepNats } from '../../adapters/nats/testing/sweep.ts';
import type { Bare } from './bare-postgres.ts';
import { openBareSqlite } from './bare-sqlite.ts';
import { openBare } from './bare-postgres.ts';
import type { Contest } from './contest.ts';
import { eventOf, perSecond } from './load.ts';
import { benchSettings } from './rig.ts';

/** Streams that are written side by side, and connections. */
const WRITERS = 8;
const BATCH = 100;
const LONG = 1_000;
/** Messages that a relay has on their way at one time, on both sides. */
const RELAYED = 500;
/** Rows of one commit that fills a table. */
const FILLED = 5_000;

const DATA = { text: 'x'.repeat(200), amount: 1_250 };
const METADATA = { correlationid: '0198f0d4-7d3c-7b2e-8000-000000000000' };

const settingsFor = (namespace: string): StoreSettings => ({
  namespace,
  topology: 'declare',
  requestTimeoutMs: 60_000,
  logger: silentLogger,
});

const eventsOf = (store: Store) =>
  createEventStore({ store, service: 'bench', clock: systemClock, ids: randomIds });

const someEvents = (count: number) =>
  Array.from({ length: count }, () => ({ type: 'thing-happened', data: DATA, metadata: METADATA }));

const someBare = (count: number) =>
  Array.from({ length: count }, () => ({
    id: randomIds.next(),
    type: 'thing-happened',
    data: JSON.stringify(DATA),
    metadata: JSON.stringify(METADATA),
  }));

const postgresAt = (url: string) => {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    poolSize: WRITERS,
  };
};

let streams = 0;
const nextStream = (): string => `bench-${process.pid}-${++streams}`;

/** Appends one after the other to each of so many streams; events a second. */
async function appendTo(
  writers: number,
  appends: number,
  batch: number,
  begin: (stream: string) => Promise<unknown>,
  append: (stream: string, expected: number) => Promise<unknown>,
): Promise<number> {
  const names = Array.from({ length: writers }, nextStream);
  await Promise.all(names.map(begin));
  const each = Math.ceil(appends / writers);
  return perSecond(each * writers * batch, () =>
    Promise.all(
      names.map(async (name) => {
        for (let turn = 0; turn < each; turn++) await append(name, turn * batch);
      }),
    ),
  );
}

/** One process, one file: appends come one after the other. */
export async function sqlitePlace() {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-bench-'));
  const settings = settingsFor('bench');
  const store = createSqliteStore({ file: join(folder, 'bench.sqlite'), synchronous: 'normal', settings });
  await store.open();
  const events = eventsOf(store);
  const bare = openBareSqlite(join(folder, 'bare.sqlite'));
  const appends = (count: number, batch: number) =>
    appendTo(
      1,
      count,
      batch,
      async () => undefined,
      (stream, expected) => events.append(stream, someEvents(batch), expected),
    );
  const nothing = async (): Promise<void> => undefined;
  const bareAppends = (count: number) =>
    appendTo(1, count, 1, nothing, (stream, expected) => bare.append(stream, expected, someBare(1)));
  return {
    contests: (count: number): readonly Contest[] => [
      {
        title: 'Single appends with the expected version, each its own transaction',
        atLeast: 15_000,
        ours: { name: 'Waggle', run: () => appends(count, 1) },
      },
      {
        title: 'The same, beside the same statements straight on node:sqlite',
        ours: { name: 'Waggle', run: () => appends(count, 1) },
        other: { name: 'straight on node:sqlite', run: () => bareAppends(count) },
      },
      {
        title: `Appends of ${BATCH} events`,
        ours: { name: 'Waggle', run: () => appends(Math.ceil(count / 20), BATCH) },
      },
    ],
    async close() {
      await store.close();
      bare.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Beside the same work written straight on `pg`, on tables of the same columns and indexes. */
export async function postgresPlace(url: string, natsUrl: string) {
  const namespace = `bench-${process.pid}`;
  const open = async (name: string): Promise<Store> => {
    const opened = createPostgresStore(postgresAt(url), settingsFor(name));
    await opened.open();
    return opened;
  };
  const store = await open(namespace);
  const full = await open(`${namespace}-full`);
  const bare = await openBare(url, WRITERS);
  const events = eventsOf(store);
  const version = await bare.pool.query<{ server_version: string }>('show server_version');
  const versus = (
    title: string,
    atLeast: number,
    ours: () => Promise<number>,
    other: () => Promise<number>,
  ): Contest => ({
    title,
    atLeast,
    ours: { name: 'Waggle', run: ours },
    other: { name: 'straight on pg', run: other },
  });
  const appends = (title: string, atLeast: number, writers: number, count: number, batch: number) =>
    versus(
      title,
      atLeast,
      () =>
        appendTo(
          writers,
          count,
          batch,
          async () => undefined,
          (stream, expected) => events.append(stream, someEvents(batch), expected),
        ),
      () =>
        appendTo(writers, count, batch, bare.begin, (stream, expected) =>
          bare.append(stream, expected, someBare(batch)),
        ),
    );
  const readers = await longStreams(store, bare);
  const relays = relaying(store, bare, natsUrl);
  return {
    server: `PostgreSQL ${version.rows[0]?.server_version}`,
    contests: (count: number, rows: number): readonly Contest[] => [
      appends('Append with the expected version, 1 connection', 1 / 1.15, 1, Math.ceil(count / 4), 1),
      appends(`The same, ${WRITERS} connections`, 1 / 1.15, WRITERS, count, 1),
      appends(
        `Appends of ${BATCH} events, ${WRITERS} connections`,
        0.85,
        WRITERS,
        Math.ceil(count / 20),
        BATCH,
      ),
      versus(
        `Reading a stream of ${LONG} events`,
        0.8,
        () => readers(Math.ceil(count / 50), (stream) => events.read(stream)),
        () => readers(Math.ceil(count / 50), (stream) => bare.read(stream)),
      ),
      versus(
        `Relaying the outbox to NATS, ${RELAYED} at a time`,
        0.7,
        () => relays.ours(count),
        () => relays.usual(count),
      ),
      {
        title: `The relay with ${rows.toLocaleString('en')} rows in each table, against without`,
        atLeast: 0.8,
        ours: { name: 'with them', run: () => relays.full(full, count, rows) },
        other: { name: 'without', run: () => relays.ours(count) },
      },
    ],
    async close() {
      await Promise.all([store.close(), full.close()]);
      for (const name of [namespace, `${namespace}-full`])
        await bare.pool.query(`drop schema "${name}" cascade`);
      await bare.close();
    },
  };
}

/** The same long stream on both sides; events a second that are read. */
async function longStreams(store: Store, bare: Bare) {
  const stream = nextStream();
  await eventsOf(store).append(stream, someEvents(LONG), 0);
  await bare.begin(stream);
  await bare.append(stream, 0, someBare(LONG));
  return (times: number, read: (stream: string) => Promise<readonly unknown[]>): Promise<number> =>
    perSecond(times * LONG, async () => {
      for (let turn = 0; turn < times; turn++) await read(stream);
    });
}

function relaying(store: Store, bare: Bare, natsUrl: string) {
  const encoded = (index: number): string => Buffer.from(encode(eventOf(index, `key-${index}`))).toString();

  /** A relay on a stream of its own, until it has moved so many. */
  async function move(from: Store, count: number): Promise<number> {
    const namespace = `bench-${process.pid}-${++streams}`;
    const driver = createNatsDriver(benchSettings(namespace), { url: natsUrl });
    const messaging = createMessaging({ driver });
    await messaging.open();
    await driver.declare({});
    let left = count;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const publisher: RelayOptions['publisher'] = {
      encode: messaging.publisher.encode,
      async publish(batch) {
        const outcomes = await messaging.publisher.publish(batch);
        left -= outcomes.filter((outcome) => outcome === undefined).length;
        if (left <= 0) resolve();
        return outcomes;
      },
    };
    const relay = createRelay({
      store: from,
      publisher,
      clock: systemClock,
      logger: silentLogger,
      batchSize: RELAYED,
    });
    const speed = await perSecond(count, () => {
      relay.start();
      return done;
    });
    await relay.stop(0);
    await messaging.close();
    const raw = await connect(connectionTo(natsUrl));
    await sweepNats(raw, namespace);
    await raw.close();
    return speed;
  }

  let filled = 0;
  return {
    async ours(count: number): Promise<number> {
      await fill(store, count, encoded);
      return move(store, count);
    },
    async usual(count: number): Promise<number> {
      const raw = await connect(connectionTo(natsUrl));
      const manager = await raw.jetstreamManager();
      const name = `bare-${process.pid}`;
      await manager.streams.add({ name, subjects: [`${name}.>`] });
      const jetstream = raw.jetstream();
      for (let from = 0; from < count; from += FILLED) {
        const size = Math.min(FILLED, count - from);
        await bare.fillOutbox(Array.from({ length: size }, (_, n) => encoded(from + n)));
      }
      const encoder = new TextEncoder();
      const speed = await perSecond(count, () =>
        bare.relay(RELAYED, (body) => jetstream.publish(`${name}.evt`, encoder.encode(body))),
      );
      await manager.streams.delete(name);
      await raw.close();
      return speed;
    },
    /** From a store with so many rows in its outbox, and as many events. */
    async full(full: Store, count: number, rows: number): Promise<number> {
      const missing = rows - filled;
      if (missing > 0) {
        await fill(full, missing, encoded);
        for (let from = 0; from < missing; from += FILLED)
          await eventsOf(full).append(nextStream(), someEvents(Math.min(FILLED, missing - from)), 0);
        filled = rows;
      }
      filled -= count;
      return move(full, count);
    },
  };
}

async function fill(store: Store, count: number, encoded: (index: number) => string): Promise<void> {
  for (let from = 0; from < count; from += FILLED) {
    const outbox = Array.from({ length: Math.min(FILLED, count - from) }, (_, n): OutboxMessage => {
      const key = `key-${from + n}`;
      const partition = partitionOf(key);
      return { kind: 'event', id: randomIds.next(), key, partition, body: encoded(from + n) };
    });
    await store.commit('bench', { timeMs: Date.now(), outbox });
  }
}
