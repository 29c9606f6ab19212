import type { StoreSettings } from '@waggle/messaging';
import type { Migrations } from './migrations.ts';
import type { Database } from './postgres-database.ts';
import { fail, translate } from './postgres-errors.ts';

/** PostgreSQL cuts longer names off, and then two could become one. */
const MOST_BYTES = 40;

/** The schema of a namespace, for statements. @throws MessagingError `invalid` */
export function schemaOf(namespace: string): string {
  if (namespace !== '' && Buffer.byteLength(namespace) <= MOST_BYTES && !namespace.includes('\0')) {
    return `"${namespace.replaceAll('"', '""')}"`;
  }
  throw fail('invalid', `NAMESPACE is "${namespace}": give 1 to ${MOST_BYTES} bytes`);
}

/**
 * Makes the schema, or makes an old one new, where that is allowed. Several processes may begin at the same time: one migrates,
 * the others wait for it.
 * @throws MessagingError `invalid` for a schema that is newer than this code, or older and not to be altered
 */
export async function ensureSchema(
  database: Database,
  { namespace, topology, logger }: StoreSettings,
  migrations: Migrations,
): Promise<void> {
  const missing = await missingIn(database, namespace, migrations);
  if (missing.length === 0) return;
  const what = `schema "${namespace}" lacks ${missing.join(', ')}`;
  if (topology === 'bind') throw fail('invalid', `${what}, and TOPOLOGY is "bind": run \`npm run migrate\``);
  const { migrate } = await import('./migrate.ts');
  try {
    await migrate(database.slowPool(), namespace, schemaOf(namespace), migrations);
  } catch (error) {
    throw translate(error, `cannot migrate, ${what}`);
  }
  await missingIn(database, namespace, migrations); // whoever was first may have had newer code
  logger.info('the store has a new schema', { schema: namespace, migrations: missing });
}

/** The migrations that the schema has not had yet. @throws MessagingError `invalid` for one that this code does not know */
async function missingIn(
  database: Database,
  namespace: string,
  migrations: Migrations,
): Promise<readonly string[]> {
  const schema = schemaOf(namespace);
  const exists = { name: 'look for the schema', text: `select to_regclass($1) is not null` };
  const [[isThere] = []] = await database.run(exists, [`${schema}.migrations`]);
  if (isThere !== 't') return Object.keys(migrations);
  const list = { name: 'read the version of the schema', text: `select name from ${schema}.migrations` };
  const had = (await database.run(list, [])).map(([name = '']) => name);
  const unknown = had.filter((name) => !(name in migrations));
  if (unknown.length > 0) {
    throw fail(
      'invalid',
      `schema "${namespace}" has ${unknown.join(', ')}, unknown to this code: run newer code`,
    );
  }
  return Object.keys(migrations).filter((name) => !had.includes(name));
}
