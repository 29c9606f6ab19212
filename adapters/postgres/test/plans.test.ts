import type pg from 'pg';
import { expect, test } from 'vitest';
import { SESSION } from '../src/postgres-database.ts';
import { statementsOf } from '../src/postgres-statements.ts';
import { page } from '../src/sql-read.ts';
import { useServer } from './harness.ts';

const bench = useServer('autovacuum = off\nfsync = off');
const ROWS = 300_000;

/** How the server goes about a prepared statement, whatever its values are. */
async function planOf(client: pg.Client, text: string, values: string): Promise<string> {
  await client.query(`prepare asked as ${text}`);
  const { rows } = await client.query(`explain (analyze, costs off, timing off) execute asked (${values})`);
  await client.query('deallocate asked');
  return rows.map((row) => row['QUERY PLAN'] as string).join('\n');
}

test('a full outbox and a long record are gone through in their order, whether or not they were ever analysed', async () => {
  const namespace = bench.namespace();
  await bench.open(namespace);
  const schema = `"${namespace}"`;
  const client = await bench.client();
  await client.query(`
    insert into ${schema}.outbox (partition, kind, id, body) select n % 16, 'event', n, '{}' from generate_series(1, ${ROWS}) n;
    insert into ${schema}.streams (version, scope, category, name)
      select 3, 'testing', 'order', 'order-' || n from generate_series(1, ${ROWS / 3}) n;
    insert into ${schema}.events (stream_id, time_ms, version, schema_version, id, type, data, metadata)
      select 1 + n / 3, 1, 1 + n % 3, 1, n, 't', '{}', '{}' from generate_series(0, ${ROWS - 1}) n;`);
  for (const [name, value] of Object.entries(SESSION)) await client.query(`set ${name} = '${value}'`);
  const { outbox, outboxOf, readForwards } = statementsOf(schema);
  const readAll = page(schema, { scope: '$1', category: '$2::text', after: '$3', upTo: '$4', limit: '$5' });
  for (const statistics of ['none', 'new']) {
    if (statistics === 'new') await client.query('analyze');
    for (const mode of ['force_generic_plan', 'force_custom_plan']) {
      await client.query(`set plan_cache_mode = ${mode}`);
      for (const after of [0, ROWS - 300]) {
        for (const plan of [
          await planOf(client, outbox.text, `${after}, 256`),
          await planOf(client, outboxOf.text, `${after}, 16, array[1, 2, 3]`),
          await planOf(client, readAll, `'testing', 'order', ${after}, ${after + 20_000}, 250`),
          await planOf(client, readForwards.text, `'testing', 'order-7', 1, 1000, null`),
        ]) {
          const context = `${statistics} statistics, ${mode}, after ${after}\n${plan}`;
          expect(plan, context).not.toMatch(/Seq Scan|Bitmap|Hash|Merge/);
          const rows = [...plan.matchAll(/actual rows=(\d+)/g)].map(([, count]) => Number(count));
          expect(Math.max(...rows), context).toBeLessThan(300);
        }
      }
    }
  }
});
