import type { Store, StoreSettings } from '@waggle/messaging';
import { addedBy, systemClock, within } from '@waggle/messaging';
import { MIGRATIONS, type Migrations } from './migrations.ts';
import { createBell } from './postgres-bell.ts';
import { createCommit } from './postgres-commit.ts';
import { createDatabase, type PostgresOptions } from './postgres-database.ts';
import { fail } from './postgres-errors.ts';
import { createReader, toEvent } from './postgres-horizon.ts';
import { ensureSchema, schemaOf } from './postgres-schema.ts';
import { entryOf, statementsOf } from './postgres-statements.ts';
import { fromText, toText } from './postgres-text.ts';

/** The longest that readiness waits for an answer. */
const CHECK_MS = 2_000;
/** Rows that one statement forgets, so that none takes long. */
const FORGET_AT_ONCE = 5_000;

/**
 * Keeps everything in one schema of a database, named as the namespace. A commit is one round trip: a function in the schema,
 * whose call is the transaction. Many processes may share it.
 *
 * @param migrations for tests @default those of this code
 * @throws MessagingError `invalid` for a namespace that is no name of a schema
 */
export function createPostgresStore(
  options: PostgresOptions,
  settings: StoreSettings,
  migrations: Migrations = MIGRATIONS,
): Store {
  const { namespace, requestTimeoutMs, logger } = settings;
  const schema = schemaOf(namespace);
  const database = createDatabase(options, settings);
  const statements = statementsOf(schema);
  const commit = createCommit(schema);
  const readAll = createReader(database, schema);
  const bell = createBell({
    namespace,
    logger,
    client: () => database.client(),
    notify: (channel, payload) => database.run(statements.notify, [channel, payload]),
  });
  let opening: Promise<void> | undefined;
  let closing: Promise<void> = Promise.resolve();

  async function open(): Promise<void> {
    await closing;
    await database.open();
    try {
      await ensureSchema(database, settings, migrations);
    } catch (error) {
      await database.close();
      throw error;
    }
    await bell.open();
  }

  async function close(opened: Promise<void> | undefined): Promise<void> {
    await opened?.catch(() => undefined);
    await bell.close();
    await database.close();
  }

  return {
    open() {
      opening ??= open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return opening;
    },
    async check() {
      const limitMs = Math.min(CHECK_MS, requestTimeoutMs);
      const late = () => fail('timeout', `the database has not answered within ${limitMs} ms`);
      await within(systemClock, limitMs, database.run(statements.check, []), late);
    },
    close() {
      const opened = opening;
      opening = undefined;
      if (opened !== undefined) closing = close(opened);
      return closing;
    },

    async get(scope, collection, id) {
      const [row] = await database.run(statements.get, [scope, collection, id].map(toText));
      return row && { id, value: row[0] ?? '', version: Number(row[1]) };
    },
    async list(scope, collection) {
      const rows = await database.run(statements.list, [scope, collection].map(toText));
      return rows.map(([id = '', value = '', version]) => ({
        id: fromText(id),
        value,
        version: Number(version),
      }));
    },
    async readStream(scope, stream, { from, to, limit, backwards = false }) {
      const [first = 1, last = Number.MAX_SAFE_INTEGER] = backwards ? [to, from] : [from, to];
      const rows = await database.run(backwards ? statements.readBackwards : statements.readForwards, [
        toText(scope),
        toText(stream),
        Math.min(first, Number.MAX_SAFE_INTEGER),
        Math.min(last, Number.MAX_SAFE_INTEGER),
        limit === undefined ? null : Math.min(limit, Number.MAX_SAFE_INTEGER),
      ]);
      return rows.map((row) => ({ ...toEvent(row), stream }));
    },
    readAll,
    async commit(scope, changes) {
      const outcome = await commit(database.run, scope, changes);
      const added = addedBy(changes);
      if (outcome.outcome === 'committed' && added.length > 0) bell.ring(added);
      return outcome;
    },

    async handled(consumer, messageId) {
      return (await database.run(statements.handled, [consumer, messageId].map(toText))).length > 0;
    },
    async startHandling(consumer, messageId, timeMs) {
      const [[handled, started, failed] = []] = await database.run(statements.startHandling, [
        toText(consumer),
        toText(messageId),
        timeMs,
      ]);
      return { handled: handled === 't', started: Number(started), failed: Number(failed) };
    },
    async failHandling(consumer, messageId, timeMs) {
      await database.run(statements.failHandling, [toText(consumer), toText(messageId), timeMs]);
    },
    async forgetHandled(beforeMs) {
      let forgotten: number;
      do {
        const [[count] = []] = await database.run(statements.forgetHandled, [beforeMs, FORGET_AT_ONCE]);
        forgotten = Number(count);
      } while (forgotten === FORGET_AT_ONCE);
    },

    async outbox({ after, limit, partitions }) {
      const rows = await (partitions === undefined
        ? database.run<string | null>(statements.outbox, [after, limit])
        : database.run<string | null>(statements.outboxOf, [after, limit, partitions]));
      return { entries: rows.flatMap(entryOf), head: Number(rows[0]?.[0] ?? 0) };
    },
    async removeFromOutbox(positions) {
      if (positions.length > 0) await database.run(statements.removeFromOutbox, [positions]);
    },
    async releaseDue(nowMs, limit) {
      const [row = []] = await database.run<string | null>(statements.releaseDue, [nowMs, limit]);
      const [released, nextMs] = row;
      if (Number(released) > 0) bell.ring(['outbox']);
      return { nextMs: typeof nextMs === 'string' ? Number(nextMs) : undefined };
    },
    onCommit: (wake) => bell.onRing(wake),
  };
}
