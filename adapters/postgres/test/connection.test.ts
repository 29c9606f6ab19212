import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MessagingError } from '@waggle/kernel';
import type { Store } from '@waggle/messaging';
import { openTcpLink } from '@waggle/test/contract/tcp-link';
import { freePort } from '@waggle/test/servers/tcp';
import { append, events, readToEnd, rejection, useServer } from './harness.ts';

const bench = useServer();
const LOST = new Set(['unavailable', 'timeout']);

/** Appends until it succeeds; what fails meanwhile has to be typed as lost. */
async function appendAtLast(store: Store, stream: string): Promise<void> {
  await expect
    .poll(
      () =>
        append(store, stream).then(
          ({ outcome }) => outcome,
          (error: unknown) => {
            if (error instanceof MessagingError && LOST.has(error.code)) return error.code;
            throw error;
          },
        ),
      { interval: 20 },
    )
    .toBe('committed');
}

async function breakConnections(): Promise<void> {
  const client = await bench.client();
  await client.query(
    "select pg_terminate_backend(pid, 2000) from pg_stat_activity where application_name like 'waggle %'",
  );
}

describe('opening', () => {
  test('fails at once where nobody listens, and can be done again', async () => {
    const namespace = bench.namespace();
    const store = bench.store(namespace, {}, { port: await freePort() });
    const since = performance.now();
    const { message } = await rejection(store.open(), 'unavailable');
    expect(message).toMatch(/127\.0\.0\.1:\d+.*ECONNREFUSED: is the server up\?/);
    expect(performance.now() - since).toBeLessThan(2_000);
    await rejection(store.check(), 'closed');
    await rejection(store.open(), 'unavailable');
    await store.close();
  });

  test('with a wrong password is denied, and the password is nowhere in what is said', async () => {
    const store = bench.store(bench.namespace(), {}, { password: 'a-wrong-password' });
    const error = await rejection(store.open(), 'denied');
    expect(error.message).toContain('password authentication failed for user "waggle"');
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('a-wrong-password');
  });

  test('of a database that is not there, or as a user who is not there, says what to do', async () => {
    const namespace = bench.namespace();
    const { message } = await rejection(bench.store(namespace, {}, { database: 'none' }).open(), 'invalid');
    expect(message).toContain('create the database');
    await rejection(bench.store(namespace, {}, { user: 'nobody' }).open(), 'denied');
    const { server } = bench;
    const noTls = { host: new URL(server.url).hostname, tls: {} };
    expect((await rejection(bench.store(namespace, {}, noTls).open(), 'invalid')).message).toContain('SSL');
  });

  test('and closing twice is once, at the same time as well, and neither hurts the other', async () => {
    const store = bench.store(bench.namespace());
    await Promise.all([store.open(), store.open()]);
    await store.open();
    await append(store, 'order-1');
    await Promise.all([store.close(), store.close()]);
    await rejection(append(store, 'order-1'), 'closed');
    const opening = store.open();
    await Promise.all([opening, store.close()]);
    await rejection(store.check(), 'closed');
    await store.open();
    expect(await readToEnd(store)).toHaveLength(1);
  });

  test('what is under way when it is closed ends first, and so does what waits for a connection', async () => {
    const store = await bench.open(bench.namespace());
    const appends = Array.from({ length: 50 }, () => append(store, 'order-1'));
    await store.close();
    expect(new Set((await Promise.all(appends)).map(({ outcome }) => outcome))).toEqual(
      new Set(['committed']),
    );
    await store.open();
    expect(await readToEnd(store)).toHaveLength(50);
  });
});

describe('a lost connection', () => {
  test('is replaced: what is idle, and what is under way, which is told', async () => {
    const store = await bench.open(bench.namespace());
    await Promise.all(Array.from({ length: 8 }, () => append(store, 'order-1')));
    await breakConnections();
    await appendAtLast(store, 'order-1');
    await store.check();
    let broken = false;
    const working = Array.from({ length: 4 }, async () => {
      while (!broken) await appendAtLast(store, 'order-2');
    });
    for (let turn = 0; turn < 3; turn++) await breakConnections();
    broken = true;
    await Promise.all(working);
    await appendAtLast(store, 'order-1');
    expect((await readToEnd(store)).length).toBeGreaterThan(10);
  });

  test('to a server that is killed under use gives typed errors, and it works when the server is back', async () => {
    const store = await bench.open(bench.namespace());
    const confirmed: string[] = [];
    const codes = new Set<string>();
    let over = false;
    const working = Array.from({ length: 4 }, async (_, worker) => {
      for (let turn = 0; !over; turn++) {
        const [event] = events(1);
        if (event === undefined) return;
        const stream = { stream: `order-${worker}`, expected: 'any', events: [event] } as const;
        try {
          await store.commit('testing', { timeMs: 1, streams: [stream] });
          confirmed.push(event.id);
        } catch (error) {
          codes.add(error instanceof MessagingError ? error.code : String(error));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    });
    await expect.poll(() => confirmed.length).toBeGreaterThan(20);
    await bench.server.kill();
    await expect.poll(() => codes.size).toBeGreaterThan(0);
    await rejection(store.check(), 'unavailable');
    await bench.server.restart();
    const before = confirmed.length;
    await expect.poll(() => confirmed.length).toBeGreaterThan(before + 20);
    over = true;
    await Promise.all(working);
    expect([...codes].filter((code) => !LOST.has(code))).toEqual([]);
    const stored = new Set((await readToEnd(store)).map(({ id }) => id));
    expect(confirmed.filter((id) => !stored.has(id))).toEqual([]);
  });

  test('that is only silent is told in time, and the first call after that works', async () => {
    const link = await openTcpLink(bench.server.url);
    onTestFinished(() => link.close());
    const { hostname: host, port } = new URL(link.through(bench.server.url));
    const store = bench.store(bench.namespace(), { requestTimeoutMs: 500 }, { host, port: Number(port) });
    await store.open();
    await Promise.all(Array.from({ length: 5 }, () => append(store, 'order-1')));
    link.stall();
    await rejection(store.check(), 'timeout');
    await rejection(append(store, 'order-1'), 'timeout');
    link.resume();
    await append(store, 'order-2');
    link.stall();
    const since = performance.now();
    await store.close();
    expect(performance.now() - since).toBeLessThan(5_000);
    link.resume();
  });
});

describe('time-outs', () => {
  test('a commit that waits for a lock for too long is given up, on the server too, and can be made again', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace, { requestTimeoutMs: 1_000 });
    await append(store, 'order-1');
    const writer = await bench.writer(namespace);
    await writer.write({ streams: [{ stream: 'order-1', expected: 1, events: events(1) }] });
    await rejection(append(store, 'order-1'), 'timeout');
    await store.check();
    await writer.end('rollback');
    await append(store, 'order-1');
    expect(await readToEnd(store)).toHaveLength(2);
  });

  test('whoever gets no connection in time is told so', async () => {
    const namespace = bench.namespace();
    const store = bench.store(namespace, { requestTimeoutMs: 300 }, { poolSize: 1 });
    await store.open();
    await append(store, 'order-1');
    const writer = await bench.writer(namespace);
    await writer.write({ streams: [{ stream: 'order-1', expected: 1, events: events(1) }] });
    const waiting = [append(store, 'order-1'), append(store, 'order-1')];
    await Promise.all(waiting.map((each) => rejection(each, 'timeout')));
    await writer.end('rollback');
    await append(store, 'order-1');
  });
});

test('a server that has no connection left is unavailable, and the others go on', async () => {
  const admin = await bench.client();
  await admin.query(
    "create role few login password 'few' connection limit 2; grant create on database waggle to few",
  );
  const store = bench.store(bench.namespace(), {}, { user: 'few', password: 'few', poolSize: 5 });
  await store.open(); // one for statements, one that listens
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => append(store, 'order-1')));
  const failures = outcomes.flatMap((each) =>
    each.status === 'rejected' ? [each.reason as MessagingError] : [],
  );
  expect(failures.length).toBeGreaterThan(0);
  expect(failures.map(({ code }) => code)).toEqual(failures.map(() => 'unavailable'));
  expect(await readToEnd(store)).toHaveLength(5 - failures.length);
});
