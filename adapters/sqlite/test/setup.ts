import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { silentLogger } from '@waggle/kernel';
import type { Changes, EventWrite, OutboxMessage, Store, StoreSettings } from '@waggle/messaging';
import { afterEach } from 'vitest';
import { createSqliteStore } from '../src/index.ts';

/** Undone after the test, the last first. */
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** A file of its own, which is not there yet. */
export function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'waggle-sqlite-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'waggle.sqlite');
}

export function newStore(file: string, settings: Partial<StoreSettings> = {}): Store {
  const store = createSqliteStore({
    file,
    synchronous: 'normal',
    settings: {
      namespace: 'test',
      topology: 'declare',
      requestTimeoutMs: 10_000,
      logger: silentLogger,
      ...settings,
    },
  });
  cleanUps.push(() => store.close());
  return store;
}

export async function openStore(file: string, settings?: Partial<StoreSettings>): Promise<Store> {
  const store = newStore(file, settings);
  await store.open();
  return store;
}

/** A connection that Waggle knows nothing of. */
export function foreign(file: string, sql = ''): DatabaseSync {
  const database = new DatabaseSync(file);
  cleanUps.push(() => {
    if (database.isOpen) database.close();
  });
  database.exec(sql);
  return database;
}

export type Told = { readonly appended: number } | 'ready' | 'done';

/** Another process on the file, which does what it is told, as `child.ts` says. */
export function otherProcess(file: string): ChildProcess & { heard(wanted: Told): Promise<void> } {
  const child = fork(new URL('./child.ts', import.meta.url), [file]);
  cleanUps.push(() => child.kill('SIGKILL'));
  const told = new Set<string>();
  const waiting = new Map<string, () => void>();
  child.on('message', (message) => {
    const text = JSON.stringify(message);
    told.add(text);
    waiting.get(text)?.();
  });
  const exited = once(child, 'exit');
  const heard = async (wanted: Told): Promise<void> => {
    const text = JSON.stringify(wanted);
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(text, resolve);
    if (told.has(text)) return;
    const died = exited.then(() => Promise.reject(new Error(`the process ended and never said ${text}`)));
    await Promise.race([promise, died]);
  };
  return Object.assign(child, { heard });
}

let ids = 0;

export const event = (fields: Partial<EventWrite> = {}): EventWrite => ({
  id: `event-${process.pid}-${++ids}`,
  type: 'counted',
  schemaVersion: 1,
  data: '{}',
  metadata: '{}',
  ...fields,
});

export const append = (stream: string, expected: number | 'any', ...events: EventWrite[]): Changes => ({
  timeMs: 1,
  streams: [{ stream, expected, events }],
});

export const message = (id: string, partition = 0): OutboxMessage => ({
  kind: 'event',
  id,
  key: undefined,
  partition,
  body: '{}',
});
