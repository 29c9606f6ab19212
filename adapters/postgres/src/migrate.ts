import { Kysely, PostgresDialect, sql, type DatabaseIntrospector } from 'kysely';
import { Migrator } from 'kysely/migration';
import type pg from 'pg';
import type { Migrations } from './migrations.ts';
import { fail } from './postgres-errors.ts';

/**
 * Brings the schema up to the newest version, or leaves it as it was; whoever comes meanwhile waits. Ends the pool.
 *
 * In a module of its own, as loading Kysely takes longer than everything else that a start does: it is only loaded when there
 * is something to migrate.
 *
 * @param schema quoted
 */
export async function migrate(
  pool: pg.Pool,
  namespace: string,
  schema: string,
  migrations: Migrations,
): Promise<void> {
  const db = new Kysely<unknown>({ dialect: new OneSchemaDialect(pool, namespace) });
  const run = (textOf: (schema: string) => string) => ({
    up: async (on: Kysely<unknown>) => void (await sql.raw(textOf(schema)).execute(on)),
  });
  const provided = Object.fromEntries(
    Object.entries(migrations).map(([name, textOf]) => [name, run(textOf)]),
  );
  try {
    await demandUtf8(db);
    const migrator = new Migrator({
      db,
      migrationTableSchema: namespace,
      migrationTableName: 'migrations',
      migrationLockTableName: 'migrations_lock',
      provider: { getMigrations: async () => provided },
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
  } finally {
    await db.destroy();
  }
}

async function demandUtf8(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ readonly server_encoding: string }>`show server_encoding`.execute(db);
  const encoding = rows[0]?.server_encoding;
  if (encoding !== 'UTF8')
    throw fail('invalid', `the database is encoded in ${encoding}: create one in UTF8`);
}

/**
 * Looks for tables in one schema. Kysely's own introspection goes through all columns of all of them, and fails when somebody
 * drops another one meanwhile.
 */
class OneSchemaDialect extends PostgresDialect {
  readonly #namespace: string;

  constructor(pool: pg.Pool, namespace: string) {
    super({ pool });
    this.#namespace = namespace;
  }

  override createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    const names = async (query: ReturnType<typeof sql<{ readonly name: string }>>): Promise<string[]> =>
      (await query.execute(db)).rows.map(({ name }) => name);
    const namespace = this.#namespace;
    return {
      getSchemas: async () =>
        (await names(sql`select nspname as name from pg_namespace where nspname = ${namespace}`)).map(
          (name) => ({ name }),
        ),
      getTables: async () =>
        (
          await names(
            sql`select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = ${namespace} and c.relkind = 'r'`,
          )
        ).map((name) => ({ name, schema: namespace, isView: false, isForeign: false, columns: [] })),
    };
  }
}
