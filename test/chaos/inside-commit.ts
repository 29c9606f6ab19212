import type { StatementSync as Statement } from 'node:sqlite';
import type { Client } from 'pg';
import type { StoreKind } from './kinds.ts';
import type { Life } from './life.ts';
import { committing } from './mortal-store.ts';

/** From now on there are kill points inside of commits as well: where this store tells its database what to do. */
export const watchInside: Readonly<Record<StoreKind, (life: Life) => Promise<void>>> = {
  /** One statement after another, inside of a transaction. */
  async sqlite(life) {
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
          const work = committing.getStore();
          for (const [pattern, step] of work === undefined ? [] : steps)
            if (pattern.test(this.sourceSQL)) life.reach(`${work}.${step}`);
          return Reflect.apply(original, this, values);
        },
      });
    }
  },
  /** One statement for all of it, whose answer takes longer than to send it. */
  async postgres(life) {
    const { default: pg } = await import('pg');
    const original: (...given: never[]) => unknown = pg.Client.prototype.query;
    Object.defineProperty(pg.Client.prototype, 'query', {
      value(this: Client, ...given: readonly unknown[]): unknown {
        const work = committing.getStore();
        const answer = Reflect.apply(original, this, given);
        if (work !== undefined) setImmediate(() => life.reach(`${work}.sent`));
        return answer;
      },
    });
  },
};
