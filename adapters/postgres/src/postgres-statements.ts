import type { MessageKind } from '@waggle/kernel';
import type { OutboxEntry } from '@waggle/messaging';
import type { Row, Statement } from './postgres-database.ts';
import { fromText } from './postgres-text.ts';
import { EVENT } from './sql-read.ts';

/**
 * The statements that are no functions. Each is prepared once for a connection, under its name.
 *
 * @param schema quoted
 */
export function statementsOf(schema: string) {
  const readStream = (order: string): string => `
    select ${EVENT} from ${schema}.events e
    where e.stream_id = (select s.id from ${schema}.streams s where s.scope = $1 and s.name = $2)
      and e.version >= greatest($3::bigint, (select s.kept_from from ${schema}.streams s where s.scope = $1 and s.name = $2))
      and e.version <= $4::bigint
    order by e.version ${order} limit $5::bigint`;
  // The entries by the order of their index, and the head as of the same moment.
  const outbox = (where: string): string => `
    select h.head, o.position, o.partition, o.kind, o.id, o.key, o.body
    from (select coalesce(max(position), 0) as head from ${schema}.outbox) h
    left join lateral (
      select * from ${schema}.outbox where position > $1 ${where} order by position limit $2) o on true
    order by o.position`;
  const note = (handlings: string, counter: string): string => `
    insert into ${schema}.inbox as i (consumer, message_id, time_ms, handled, started, failed)
    values ($1, $2, $3, false, ${handlings})
    on conflict (consumer, message_id) do update set ${counter} = i.${counter} + 1, time_ms = excluded.time_ms
    returning handled, started, failed`;

  return {
    check: { name: 'check', text: 'select 1' },
    // Nobody waits for it to be on disk, as a commit would be.
    notify: {
      name: 'notify',
      text: `select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`,
    },
    get: {
      name: 'read a document',
      text: `select value, version from ${schema}.documents where scope = $1 and collection = $2 and id = $3`,
    },
    list: {
      name: 'list documents',
      text: `select id, value, version from ${schema}.documents where scope = $1 and collection = $2 order by place`,
    },
    readForwards: { name: 'read a stream', text: readStream('asc') },
    readBackwards: { name: 'read a stream backwards', text: readStream('desc') },
    handled: {
      name: 'look into the inbox',
      text: `select 1 from ${schema}.inbox where consumer = $1 and message_id = $2 and handled`,
    },
    startHandling: { name: 'note a handling', text: note('1, 0', 'started') },
    failHandling: { name: 'note a failure', text: note('0, 1', 'failed') },
    forgetHandled: {
      name: 'forget what was handled',
      text: `with gone as (
          delete from ${schema}.inbox where ctid = any (array(
            select ctid from ${schema}.inbox where time_ms < $1 limit $2 for update skip locked))
          returning 1)
        select count(*) from gone`,
    },
    outbox: { name: 'read the outbox', text: outbox('') },
    outboxOf: { name: 'read partitions of the outbox', text: outbox('and partition = any ($3)') },
    removeFromOutbox: {
      name: 'remove from the outbox',
      text: `delete from ${schema}.outbox where position = any ($1)`,
    },
    releaseDue: { name: 'release what is due', text: `select * from ${schema}.release_due($1, $2)` },
  } as const satisfies Record<string, Statement>;
}

/** A row of the outbox; nothing of one that only has the head. */
export function entryOf([, position, partition, kind, id, key, body]: Row<
  string | null
>): readonly OutboxEntry[] {
  if (typeof position !== 'string') return [];
  return [
    {
      position: Number(position),
      partition: Number(partition),
      kind: kind as MessageKind,
      id: fromText(id ?? ''),
      key: typeof key === 'string' ? fromText(key) : undefined,
      body: body ?? '',
    },
  ];
}
