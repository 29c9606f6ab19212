import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Contest, StorePlace } from '@waggle/test/adapter';
import { appendTo, eventsOf, settingsFor, someBare, someEvents } from '@waggle/test/bench/store-load';
import { createSqliteStore } from '../src/index.ts';
import { openBareSqlite } from './bare.ts';

const BATCH = 100;

/** One process, one file: appends come one after the other. */
export async function sqlitePlace(): Promise<StorePlace> {
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
    server: 'SQLite (WAL, synchronous=normal)',
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
