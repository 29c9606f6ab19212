import { mkdtemp, rm } from 'node:fs/promises';
import type { StatementSync as Statement } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommitSteps, StoreUse } from '@waggle/test/adapter';
import { createSqliteStore } from '../src/index.ts';

export const settle: StoreUse['settle'] = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-sqlite-'));
  return {
    environment: { SQLITE_FILE: join(folder, 'waggle.sqlite') },
    sweep: () => rm(folder, { recursive: true }),
  };
};

export const store: StoreUse['store'] = async ({ SQLITE_FILE: file = '' }, settings) =>
  createSqliteStore({ file, synchronous: 'normal', settings });

/** One statement after another, inside of a transaction. */
export const watch: CommitSteps['watch'] = async (reach) => {
  const { StatementSync } = await import('node:sqlite');
  const steps = [
    [/^INSERT INTO outbox\b/, 'outbox'],
    [/^INSERT INTO inbox\b/, 'inbox'],
    [/^COMMIT$/, 'end'],
  ] as const;
  for (const method of ['get', 'all', 'run'] as const) {
    const original: (...values: never[]) => unknown = StatementSync.prototype[method];
    Object.defineProperty(StatementSync.prototype, method, {
      value(this: Statement, ...values: readonly unknown[]): unknown {
        for (const [pattern, step] of steps) if (pattern.test(this.sourceSQL)) reach(step);
        return Reflect.apply(original, this, values);
      },
    });
  }
};
