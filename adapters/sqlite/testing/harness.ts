import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@waggle/kernel';
import type { StoreHarness } from '@waggle/test/contract/stores';
import { createSqliteStore } from '../src/index.ts';

/** SQLite: each namespace is a file of its own. */
export function sqliteStoreHarness(): StoreHarness {
  const folder = mkdtempSync(join(tmpdir(), 'waggle-sqlite-'));
  const fileOf = (namespace: string): string => join(folder, `${namespace}.sqlite`);
  return {
    name: 'sqlite',
    declares: { 'one-writer': 'a file has one writer at a time, so nothing is committed late' },
    deadlineMs: 20_000,
    store: (namespace) =>
      createSqliteStore({
        file: fileOf(namespace),
        synchronous: 'normal',
        settings: { namespace, topology: 'declare', requestTimeoutMs: 10_000, logger: silentLogger },
      }),
    async sweep(namespace) {
      for (const part of ['', '-wal', '-shm']) await rm(fileOf(namespace) + part, { force: true });
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
