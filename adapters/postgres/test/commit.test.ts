import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Changes, Store } from '@waggle/messaging';
import { anEvent, append, events, readToEnd, rejection, useServer } from './harness.ts';

const bench = useServer();
const commit = (store: Store, changes: Partial<Changes>) =>
  store.commit('testing', { timeMs: 1, ...changes });
const message = { kind: 'event', id: 'm', key: 'k', partition: 1, body: '{}' } as const;

/** Whatever a commit could have left behind, table by table. */
async function rowsOf(namespace: string): Promise<Record<string, number>> {
  const client = await bench.client();
  const counts: Record<string, number> = {};
  for (const table of ['streams', 'events', 'documents', 'inbox', 'outbox', 'schedule']) {
    const { rows } = await client.query(`select count(*)::integer as count from "${namespace}".${table}`);
    counts[table] = rows[0].count;
  }
  return counts;
}

describe('a commit that is not made', () => {
  test('leaves nothing behind, whatever was found to be wrong', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    const taken = anEvent();
    await commit(store, { streams: [{ stream: 'order-1', expected: 0, events: [taken] }] });
    await commit(store, { documents: [{ collection: 'c', id: 'd', value: '1', expectedVersion: 0 }] });
    await commit(store, { inbox: { consumer: 'a', messageId: 'had' } });
    const before = await rowsOf(namespace);
    const all: Partial<Changes> = {
      inbox: { consumer: 'a', messageId: 'new' },
      streams: [{ stream: 'order-2', expected: 'no-stream', events: events(3) }],
      documents: [{ collection: 'c', id: 'new', value: '1', expectedVersion: 0 }],
      outbox: [message],
      schedule: [{ id: 's', due: { atMs: 1, message } }],
    };
    const stale = { collection: 'c', id: 'd', value: '2', expectedVersion: 7 };
    const wrong = { stream: 'order-1', expected: 5, events: events(1) };
    expect(await commit(store, { ...all, inbox: { consumer: 'a', messageId: 'had' } })).toEqual({
      outcome: 'duplicate',
    });
    expect(await commit(store, { ...all, streams: [...(all.streams ?? []), wrong] })).toEqual({
      outcome: 'conflict',
      stream: { index: 1, actual: 1 },
    });
    expect(await commit(store, { ...all, documents: [...(all.documents ?? []), stale] })).toEqual({
      outcome: 'conflict',
    });
    const twice = { collection: 'c', id: 'twice', value: '1', expectedVersion: 'any' } as const;
    expect(await commit(store, { ...all, documents: [twice, twice] })).toEqual({ outcome: 'conflict' });
    await rejection(
      commit(store, { ...all, streams: [{ stream: 'order-2', expected: 0, events: [anEvent(), taken] }] }),
      'invalid',
    );
    expect(await rowsOf(namespace)).toEqual(before);
  });

  test('is in no log of the server, as races are lost every day', async () => {
    const store = await bench.open(bench.namespace());
    const given = events(1);
    await commit(store, { streams: [{ stream: 'order-1', expected: 0, events: given }] });
    await commit(store, { streams: [{ stream: 'order-1', expected: 0, events: events(1) }] });
    await commit(store, {
      outbox: [message],
      streams: [{ stream: 'order-1', expected: 9, events: events(1) }],
    });
    await commit(store, {
      outbox: [message],
      streams: [{ stream: 'order-1', expected: 'any', events: given }],
    });
    await commit(store, { documents: [{ collection: 'c', id: 'd', value: '1', expectedVersion: 9 }] });
    expect(readFileSync(join(bench.server.folder, 'server.log'), 'utf8')).not.toMatch(
      /ERROR.*(WG001|events_id)/,
    );
    expect(await readToEnd(store)).toHaveLength(1);
  });
});

describe('a repeat', () => {
  test('is one however it is expected to go, with one event and with many, alone and among other writes', async () => {
    const store = await bench.open(bench.namespace());
    for (const [stream, count] of [
      ['one-1', 1],
      ['many-1', 5],
    ] as const) {
      const given = events(count);
      for (const expected of [0, 'no-stream', 'any', 'stream-exists', count, 77] as const)
        expect(
          await commit(store, { streams: [{ stream, expected, events: given }] }),
          String(expected),
        ).toEqual({
          outcome: 'committed',
          versions: [count],
        });
      const outbox = [message];
      expect(await commit(store, { outbox, streams: [{ stream, expected: 'any', events: given }] })).toEqual({
        outcome: 'committed',
        versions: [count],
      });
    }
    expect(await store.outbox({ after: 0, limit: 1 })).toEqual({ entries: [], head: 0 });
    expect(await readToEnd(store)).toHaveLength(6);
  });

  test('is none in part, in another order, or in another stream', async () => {
    const store = await bench.open(bench.namespace());
    const [first = anEvent(), second = anEvent()] = events(2);
    await commit(store, { streams: [{ stream: 'order-1', expected: 0, events: [first, second] }] });
    const attempt = (stream: string, ...given: (typeof first)[]) =>
      commit(store, { streams: [{ stream, expected: 'any', events: given }] });
    await rejection(attempt('order-1', second, first), 'invalid');
    await rejection(attempt('order-1', second, anEvent()), 'invalid');
    await rejection(attempt('order-2', first, second), 'invalid');
    const { message: said } = await rejection(attempt('order-2', anEvent(), second), 'invalid');
    expect(said).toContain(second.id);
    expect(await attempt('order-1', second)).toEqual({ outcome: 'committed', versions: [2] });
  });

  test('of events that were forgotten is still one, and nothing of what they said is left', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    const given = [anEvent({ data: '"secret"', metadata: '"secret"', type: 'secret' }), anEvent(), anEvent()];
    await commit(store, { streams: [{ stream: 'order-1', expected: 0, events: given }] });
    const forget = { stream: 'order-1', expected: 'any', events: [], truncateBefore: 3 } as const;
    expect(await commit(store, { streams: [forget] })).toEqual({ outcome: 'committed', versions: [3] });
    expect((await store.readStream('testing', 'order-1', {})).map(({ version }) => version)).toEqual([3]);
    expect(await commit(store, { streams: [{ stream: 'order-1', expected: 'any', events: given }] })).toEqual(
      {
        outcome: 'committed',
        versions: [3],
      },
    );
    const client = await bench.client();
    const { rows } = await client.query(`select * from "${namespace}".events order by version`);
    expect(JSON.stringify(rows)).not.toContain('secret');
    expect(rows).toHaveLength(3);
  });
});

describe('commits that meet', () => {
  test('lock in one order, so that none waits for another in a circle', async () => {
    const namespace = bench.namespace();
    const one = await bench.open(namespace);
    const other = await bench.open(namespace);
    const names = ['a-1', 'b-1', 'c-1', 'd-1'];
    const outcomes = await Promise.all(
      Array.from({ length: 120 }, (_, turn) => {
        const order = turn % 2 ? names : names.toReversed();
        const chosen = order.filter((_each, index) => (turn >> index) % 3 !== 0);
        return (turn % 2 ? other : one).commit('testing', {
          timeMs: 1,
          inbox: { consumer: 'a', messageId: String(turn) },
          streams: chosen.map((stream) => ({ stream, expected: 'any', events: events(1 + (turn % 3)) })),
          documents: order.map((id) => ({
            collection: 'c',
            id,
            value: String(turn),
            expectedVersion: 'any',
          })),
          schedule: order.map((id) => ({ id, ...(turn % 5 !== 0 && { due: { atMs: turn, message } }) })),
          outbox: [message],
        });
      }),
    );
    expect(outcomes.filter((each) => each.outcome === 'committed')).toHaveLength(120);
    expect(readFileSync(join(bench.server.folder, 'server.log'), 'utf8')).not.toContain('deadlock');
    expect((await one.outbox({ after: 0, limit: 500 })).entries).toHaveLength(120);
  });

  test('are tried again by themselves where somebody else locks in another order', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    await append(store, 'a-1');
    await append(store, 'b-1');
    const client = await bench.client();
    const lock = (stream: string) =>
      client.query(`select from "${namespace}".streams where name = $1 for update`, [stream]);
    await client.query('begin');
    await lock('b-1');
    const committed = commit(store, {
      streams: ['a-1', 'b-1'].map((stream) => ({ stream, expected: 1, events: events(1) })),
    });
    const watcher = await bench.client();
    const waiting = "select count(*)::integer as n from pg_stat_activity where wait_event_type = 'Lock'";
    await expect.poll(async () => (await watcher.query(waiting)).rows[0].n).toBe(1);
    await lock('a-1'); // the circle is closed; whoever notices it first is undone
    await client.query('commit');
    expect(await committed).toEqual({ outcome: 'committed', versions: [2, 2] });
    expect(readFileSync(join(bench.server.folder, 'server.log'), 'utf8')).toContain('deadlock detected');
  });

  test('see each other also where the role prefers another isolation', async () => {
    const admin = await bench.client();
    await admin.query("alter role waggle set default_transaction_isolation = 'serializable'");
    try {
      const namespace = bench.namespace();
      const stores = [await bench.open(namespace), await bench.open(namespace)];
      await Promise.all(
        Array.from({ length: 40 }, (_, turn) => append(stores[turn % 2] as Store, 'order-1')),
      );
      expect(await readToEnd(stores[0] as Store)).toHaveLength(40);
    } finally {
      await admin.query('alter role waggle reset default_transaction_isolation');
    }
  });
});

test('names that are no text for PostgreSQL are kept, and apart from each other', async () => {
  const store = await bench.open(bench.namespace());
  const names = ['\0', '\ud800', '\udfff', '\ufffd', '\u001a', '\u001a0000', '\u001ad800', '', 'ä\0🐝'];
  await Promise.all(
    names.map((name, index) =>
      commit(store, {
        inbox: { consumer: name, messageId: name },
        documents: [{ collection: name, id: name, value: JSON.stringify(name), expectedVersion: 0 }],
        streams: [
          { stream: `odd-${name}x`, expected: 0, events: [anEvent({ id: `id-${name}`, type: name })] },
        ],
        outbox: [{ ...message, id: name, key: name, partition: index }],
      }),
    ),
  );
  for (const [index, name] of names.entries()) {
    expect(await store.get('testing', name, name)).toEqual({
      id: name,
      value: JSON.stringify(name),
      version: expect.any(Number),
    });
    expect((await store.list('testing', name)).map(({ id }) => id)).toEqual([name]);
    const [event] = await store.readStream('testing', `odd-${name}x`, {});
    expect([event?.stream, event?.id, event?.type]).toEqual([`odd-${name}x`, `id-${name}`, name]);
    expect(await store.handled(name, name)).toBe(true);
    expect(await store.handled(name, `${name}!`)).toBe(false);
    const { entries } = await store.outbox({ after: 0, limit: 10, partitions: [index] });
    expect(entries.map(({ id, key }) => [id, key])).toEqual([[name, name]]);
  }
  expect(new Set((await readToEnd(store)).map(({ stream }) => stream)).size).toBe(names.length);
});

test('numbers that no stream will ever have are wrong, or all there is', async () => {
  const store = await bench.open(bench.namespace());
  await append(store, 'order-1', 3);
  for (const expected of [-1, -2, -3, 1.5, 4_000_000_000, 1e300, Number.NaN])
    expect(await commit(store, { streams: [{ stream: 'order-1', expected, events: events(1) }] })).toEqual({
      outcome: 'conflict',
      stream: { index: 0, actual: 3 },
    });
  const forget = { stream: 'order-1', expected: 'any', events: [], truncateBefore: 1e300 } as const;
  expect(await commit(store, { streams: [forget] })).toEqual({ outcome: 'committed', versions: [3] });
  expect((await store.readAll('testing', { after: 0, limit: 1e300 })).events).toHaveLength(1);
});

test('times are kept to the fraction, and far away ones too', async () => {
  const store = await bench.open(bench.namespace());
  const times = [-1e300, -0.5, 0.1, 1_764_000_000_000.123, 1e300];
  await commit(store, {
    schedule: times.map((atMs, index) => ({ id: String(index), due: { atMs, message } })),
  });
  for (const atMs of times) {
    expect(await store.releaseDue(atMs - Math.abs(atMs) * 1e-15, 10)).toEqual({ nextMs: atMs });
    await store.releaseDue(atMs, 10);
  }
  expect(await store.releaseDue(Number.MAX_VALUE, 10)).toEqual({ nextMs: undefined });
  await store.commit('testing', {
    timeMs: 1.25,
    streams: [{ stream: 'a-1', expected: 0, events: events(1) }],
  });
  expect((await store.readStream('testing', 'a-1', {}))[0]?.timeMs).toBe(1.25);
});
