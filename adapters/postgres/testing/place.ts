import type { Store } from '@waggle/messaging';
import type { Contest, RelayTarget, StorePlace } from '@waggle/test/adapter';
import { perSecond } from '@waggle/test/bench/load';
import {
  appendTo,
  eventsOf,
  nextStream,
  settingsFor,
  someBare,
  someEvents,
} from '@waggle/test/bench/store-load';
import { RELAYED, relaying } from '@waggle/test/bench/store-relay';
import { createPostgresStore } from '../src/index.ts';
import { openBare, type Bare } from './bare.ts';
import { connectionTo } from './use.ts';

/** Streams that are written side by side, and connections. */
const WRITERS = 8;
const BATCH = 100;
const LONG = 1_000;

/** Beside the same work written straight on `pg`, on tables of the same columns and indexes. */
export async function postgresPlace(
  url: string,
  relayTarget: () => Promise<RelayTarget | undefined>,
): Promise<StorePlace> {
  const namespace = `bench-${process.pid}`;
  const open = async (name: string): Promise<Store> => {
    const opened = createPostgresStore({ ...connectionTo(url), poolSize: WRITERS }, settingsFor(name));
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
  const relayTo = await relayTarget();
  const relays = relayTo && relaying(store, bare, relayTo);
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
      ...(relays === undefined
        ? []
        : [
            versus(
              `Relaying the outbox to ${relayTo?.name}, ${RELAYED} at a time`,
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
          ]),
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
