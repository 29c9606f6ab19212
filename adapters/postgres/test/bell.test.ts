import { describe, expect, test } from 'vitest';
import type { Added, Store } from '@waggle/messaging';
import { append, useServer } from './harness.ts';

const bench = useServer();
const message = { kind: 'event', id: 'm', key: undefined, partition: 1, body: '{}' } as const;

/** What a store has heard, to be awaited. */
function listenTo(store: Store) {
  const heard: Added[] = [];
  const stop = store.onCommit((added) => heard.push(added));
  const until = async (added: Added): Promise<void> => {
    await expect.poll(() => heard, { interval: 5 }).toContain(added);
  };
  return { heard, stop, until };
}

/** What all stores are told through the server. */
async function eavesdrop(namespace: string): Promise<{ readonly said: string[] }> {
  const client = await bench.client();
  const said: string[] = [];
  client.on('notification', ({ payload = '' }) => said.push(payload));
  await client.query(`listen "waggle:${namespace}"`);
  return { said };
}

describe('who waits for commits', () => {
  test('hears what those of another store added, and no more', async () => {
    const namespace = bench.namespace();
    const [one, other] = [await bench.open(namespace), await bench.open(namespace)];
    const { heard, until, stop } = listenTo(other);
    await append(one, 'order-1');
    await until('events');
    expect(heard).toEqual(['events']);
    await one.commit('testing', { timeMs: 1, schedule: [{ id: 's', due: { atMs: 5, message } }] });
    await until('schedule');
    await one.releaseDue(10, 10);
    await until('outbox');
    expect(heard).toEqual(['events', 'schedule', 'outbox']);
    stop();
    await append(one, 'order-1');
    const again = listenTo(other);
    await again.until('events');
    expect(heard).toHaveLength(3);
  });

  test('hears of his own commits at once, and not a second time by way of the server', async () => {
    const namespace = bench.namespace();
    const [one, other] = [await bench.open(namespace), await bench.open(namespace)];
    const [own, theirs] = [listenTo(one), listenTo(other)];
    await append(one, 'order-1');
    await Promise.resolve();
    expect(own.heard).toEqual(['events']);
    await theirs.until('events');
    // Notifications of one sender come in order: what the other one answers comes after the echo would have.
    await other.commit('testing', { timeMs: 1, outbox: [message] });
    await own.until('outbox');
    expect(own.heard).toEqual(['events', 'outbox']);
  });

  test('hears nothing of commits that were none, of other namespaces, and of what has no reader', async () => {
    const namespace = bench.namespace();
    const [one, other] = [await bench.open(namespace), await bench.open(namespace)];
    const elsewhere = await bench.open(bench.namespace());
    const { heard, until } = listenTo(other);
    await append(elsewhere, 'order-1');
    await one.commit('testing', { timeMs: 1, streams: [{ stream: 'a-1', expected: 5, events: [] }] });
    await one.commit('testing', { timeMs: 1, inbox: { consumer: 'a', messageId: 'm' } });
    await one.releaseDue(10, 10);
    await one.commit('testing', { timeMs: 1, outbox: [message] });
    await until('outbox');
    expect(heard).toEqual(['outbox']);
  });

  test('is told through the server seldom, however many commits there are', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    const { said } = await eavesdrop(namespace);
    const since = performance.now();
    await Promise.all(Array.from({ length: 200 }, (_, turn) => append(store, `order-${turn % 20}`)));
    const took = performance.now() - since;
    await expect.poll(() => said.length).toBeGreaterThan(0);
    expect(said.length).toBeLessThanOrEqual(took / 10 + 2);
    expect(said.every((payload) => /^[0-9a-f-]{36} events$/.test(payload))).toBe(true);
  });

  test('is told of the last commits before a store is closed', async () => {
    const namespace = bench.namespace();
    const [one, other] = [await bench.open(namespace), await bench.open(namespace)];
    const { heard, until } = listenTo(other);
    await Promise.all([append(one, 'order-1'), append(one, 'order-2')]);
    await one.commit('testing', { timeMs: 1, outbox: [message] });
    await one.close();
    await until('outbox');
    expect(heard).toContain('events');
  });

  test('looks again when the connection that listens was cut, and hears of what comes after', async () => {
    const namespace = bench.namespace();
    const [one, other] = [await bench.open(namespace), await bench.open(namespace)];
    const { heard, until } = listenTo(other);
    const client = await bench.client();
    const cut = await client.query(
      `select pg_terminate_backend(pid, 2000) from pg_stat_activity
       where query like 'listen %' and application_name = 'waggle ' || $1`,
      [namespace],
    );
    expect(cut.rowCount).toBe(2);
    await until('schedule'); // all of it, as something may have been missed
    expect(new Set(heard)).toEqual(new Set(['events', 'outbox', 'schedule']));
    heard.length = 0;
    await append(one, 'order-1');
    await until('events');
  });

  test('hears again after the server was restarted', async () => {
    const namespace = bench.namespace();
    const [one, other] = [await bench.open(namespace), await bench.open(namespace)];
    const { heard, until } = listenTo(other);
    await bench.server.restart();
    await until('schedule');
    heard.length = 0;
    await expect
      .poll(() =>
        append(one, 'order-1').then(
          ({ outcome }) => outcome,
          () => 'lost',
        ),
      )
      .toBe('committed');
    await until('events');
  });
});
