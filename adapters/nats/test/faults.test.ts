import { createServer, connect as dial, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { event, groupSource, hands, publish, useServer, type Hands } from './harness.ts';

const bench = useServer();
const groups = (ordering: 'by-key' | 'none' = 'by-key') => ({
  groups: [{ group: 'a.b', types: ['*'], from: 'new' as const, ordering }],
});

/** A proxy whose connections a test can cut, and hold. */
async function proxy() {
  const sockets = new Set<Socket>();
  const target = Number(new URL(bench.url).port);
  let refusing = false;
  const server = createServer((client) => {
    if (refusing) return client.destroy();
    const upstream = dial(target, '127.0.0.1');
    for (const each of [client, upstream]) sockets.add(each.on('error', () => undefined));
    client.pipe(upstream).pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `nats://127.0.0.1:${port}`,
    cut: () => sockets.forEach((each) => each.destroy()),
    refuse: (yes: boolean) => (refusing = yes),
    [Symbol.asyncDispose]: async () => {
      sockets.forEach((each) => each.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A logger that tells when the connection was lost and when it came back. */
function watch() {
  let wake: (message: string) => void = () => undefined;
  const said = (message: string): void => wake(message);
  const hears = (text: string) =>
    new Promise<void>((resolve) => (wake = (message) => void (message.includes(text) && resolve())));
  return {
    logger: { debug: said, info: said, warn: said, error: said },
    during: async (text: 'lost' | 'reconnected', action: () => unknown): Promise<void> => {
      const heard = hears(text);
      action();
      await heard;
    },
  };
}

describe('a lost connection', () => {
  test('comes back, and a later message arrives; what was held is settled once', async () => {
    await using between = await proxy();
    const { logger, during } = watch();
    const namespace = bench.namespace();
    const driver = bench.driver({ logger, namespace }, { url: between.url });
    await driver.open();
    await driver.declare(groups());
    const taken = await hands(driver, groupSource('a.b'));
    await publish(driver, event({ id: 'held' }));
    const held = await taken.next();
    await during('lost', between.cut);
    held.ack();
    await publish(driver, event({ id: 'later' }), event({ id: 'other', lane: 1 }));
    expect(new Set([(await taken.next()).message.id, (await taken.next()).message.id])).toEqual(
      new Set(['later', 'other']),
    );
    expect(taken.taken).toHaveLength(3);
  });

  test('ten times leaves one request a lane behind', async () => {
    await using between = await proxy();
    const { logger, during } = watch();
    const namespace = bench.namespace();
    const driver = bench.driver({ logger, namespace }, { url: between.url });
    await driver.open();
    await driver.declare(groups());
    const taken = await hands(driver, groupSource('a.b'), { concurrency: 1 });
    for (let time = 0; time < 10; time++) {
      await during('reconnected', between.cut);
    }
    await publish(driver, event());
    (await taken.next()).ack();
    const requests = async () =>
      (await driver.describe())
        .filter(({ kind }) => kind === 'group')
        .map(({ details }) => details['waitingPulls']);
    await expect.poll(requests).toEqual([5]);
  });

  test('makes a publication wait, and fail by its deadline', async () => {
    await using between = await proxy();
    const { logger, during } = watch();
    const driver = bench.driver({ logger, requestTimeoutMs: 1500 }, { url: between.url });
    await driver.open();
    between.refuse(true);
    await during('lost', between.cut);
    const [lost] = await driver.publish([event()]);
    expect(lost?.code).toBe('unavailable');
    const waiting = driver.publish([event({ id: 'waited' })]);
    between.refuse(false);
    expect(await waiting).toEqual([undefined]);
    const ids: unknown[] = [];
    for await (const { message } of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }))
      ids.push(message.id);
    expect(ids).toEqual(['waited']);
  });

  test('in the middle of a flood loses nothing that was confirmed, stores nothing twice, and keeps the order', async () => {
    await using between = await proxy();
    const driver = bench.driver({}, { url: between.url });
    await driver.open();
    const messages = Array.from({ length: 3000 }, (_, index) => event({ id: `f${index}` }));
    const publishing = driver.publish(messages);
    await driver.publish([event({ lane: 'unordered', id: 'aside' })]).then(() => between.cut());
    expect((await publishing).filter((each) => each !== undefined)).toEqual([]);
    const ids: unknown[] = [];
    for await (const { message } of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }))
      ids.push(message.id);
    expect(ids.filter((id) => id !== 'aside')).toEqual(messages.map(({ id }) => id));
  });

  test('longer than the lease makes a late settlement harmless', async () => {
    await using between = await proxy();
    const { logger, during } = watch();
    const namespace = bench.namespace();
    const driver = bench.driver({ logger, namespace, leaseMs: 600 }, { url: between.url });
    const other = await bench.open({ namespace, leaseMs: 600 });
    await driver.open();
    await driver.declare(groups());
    const taken = await hands(driver, groupSource('a.b'));
    await publish(other, event({ id: 'one' }));
    const late = await taken.next();
    between.refuse(true);
    await during('lost', between.cut);
    const elsewhere = await hands(other, groupSource('a.b'));
    const again = await elsewhere.next();
    expect(again.attempt).toBe(2);
    await during('reconnected', () => between.refuse(false));
    late.ack();
    late.retry(0);
    await driver.describe();
    expect(await driver.lag(groupSource('a.b'))).toBe(1);
    again.ack();
    await expect.poll(() => driver.lag(groupSource('a.b'))).toBe(0);
    expect([taken.taken.length, elsewhere.taken.length]).toEqual([1, 1]);
  });

  test('does not lose what a paused consumer settles, nor the lease of what it holds', async () => {
    await using between = await proxy();
    const { logger, during } = watch();
    const namespace = bench.namespace();
    const driver = bench.driver({ logger, namespace, leaseMs: 1500 }, { url: between.url });
    const other = await bench.open({ namespace, leaseMs: 1500 });
    await driver.open();
    await driver.declare(groups());
    const taken = await hands(driver, groupSource('a.b'));
    await publish(driver, event({ id: 'settled' }), event({ id: 'held', lane: 1 }));
    const both = [await taken.next(), await taken.next()];
    taken.consumer.pause();
    between.refuse(true);
    await during('lost', between.cut);
    both.find(({ message }) => message.id === 'settled')?.ack();
    await during('reconnected', () => between.refuse(false));
    await expect.poll(() => driver.lag(groupSource('a.b'))).toBe(1);
    const elsewhere = await hands(other, groupSource('a.b'));
    await new Promise((resolve) => setTimeout(resolve, 2500)); // the passing of more than a lease is what is tested
    expect(elsewhere.taken).toHaveLength(0);
    both.find(({ message }) => message.id === 'held')?.ack();
    await expect.poll(() => driver.lag(groupSource('a.b'))).toBe(0);
    taken.consumer.resume();
    await elsewhere.consumer.close();
    await publish(driver, event({ id: 'later' }));
    expect((await taken.next()).message.id).toBe('later');
  });

  test('does not end a reader that follows', async () => {
    await using between = await proxy();
    const { logger, during } = watch();
    const driver = bench.driver({ logger }, { url: between.url });
    await driver.open();
    await publish(driver, event({ id: 'a' }));
    const reader = driver
      .read({ kind: 'stream' }, { from: 'beginning', follow: true })
      [Symbol.asyncIterator]();
    expect((await reader.next()).value?.message.id).toBe('a');
    const next = reader.next();
    await during('lost', between.cut);
    await publish(driver, event({ id: 'b' }));
    expect((await next).value?.message.id).toBe('b');
    await reader.return?.();
  });
});

describe('a server', () => {
  test(
    'that restarts twice keeps groups and queues going, and a retry waits its time',
    { timeout: 20_000 },
    async () => {
      const { logger, during } = watch();
      const driver = await bench.open({ logger });
      await driver.declare({ ...groups(), queues: ['depot'] });
      const seen = new Map<string | undefined, { readonly attempt: number; readonly at: number }>();
      const events = await hands(driver, groupSource('a.b'));
      const to = { kind: 'queue', context: 'depot' } as const;
      const commands = await hands(driver, to);
      await publish(driver, event({ id: 'slow', lane: 2 }));
      const since = Date.now();
      (await events.next()).retry(2500);
      const follow = async (taken: Hands): Promise<void> => {
        for (;;) {
          const delivery = await taken.next();
          seen.set(delivery.message.id, { attempt: delivery.attempt, at: Date.now() - since });
          delivery.ack();
        }
      };
      void follow(events);
      void follow(commands);
      for (const time of ['first', 'second']) {
        await driver.describe();
        let restarting: Promise<void> | undefined;
        await during('lost', () => (restarting = bench.server.restart()));
        await publish(driver, event({ id: `event ${time}` }), event({ id: `command ${time}`, to }));
        await restarting;
        await expect
          .poll(() => seen.has(`event ${time}`) && seen.has(`command ${time}`), { timeout: 8000 })
          .toBe(true);
      }
      await expect.poll(() => seen.get('slow'), { timeout: 8000 }).toMatchObject({ attempt: 2 });
      expect(seen.get('slow')?.at).toBeGreaterThanOrEqual(1500);
    },
  );
});

describe('a consumer deleted on the server', () => {
  test.for(['by-key', 'none'] as const)('is made anew where it left off (%s)', async (ordering) => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace, leaseMs: 3000 });
    await driver.declare(groups(ordering));
    const taken = await hands(driver, groupSource('a.b'), { ordering });
    await publish(driver, event({ id: 'one' }), event({ id: 'two' }));
    (await taken.next()).ack();
    (await taken.next()).ack();
    await expect.poll(() => driver.lag(groupSource('a.b'))).toBe(0);
    if (ordering === 'none') await new Promise((resolve) => setTimeout(resolve, 1200));
    const { consumers } = await (await bench.raw()).jetstreamManager();
    for (const { name } of await consumers.list(`${namespace}_evt`).next())
      await consumers.delete(`${namespace}_evt`, name);
    await publish(driver, event({ id: 'three' }));
    expect((await taken.next()).message.id).toBe('three');
  });

  test('before it got anything begins where it was declared, and not at the beginning', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    await publish(driver, event({ id: 'before' }));
    await driver.declare(groups());
    const taken = await hands(driver, groupSource('a.b'));
    const { consumers } = await (await bench.raw()).jetstreamManager();
    await consumers.delete(`${namespace}_evt`, 'a_b_0');
    await publish(driver, event({ id: 'after' }));
    expect((await taken.next()).message.id).toBe('after');
  });

  test('together with its stream gives what is published in the new one', async () => {
    const namespace = bench.namespace();
    const { logger, during } = watch();
    await using between = await proxy();
    const driver = bench.driver({ logger, namespace }, { url: between.url });
    await driver.open();
    await driver.declare(groups());
    const taken = await hands(driver, groupSource('a.b'));
    await publish(driver, event({ id: 'one' }), event({ id: 'two' }));
    (await taken.next()).ack();
    (await taken.next()).ack();
    await expect.poll(() => driver.lag(groupSource('a.b'))).toBe(0);
    const { streams } = await (await bench.raw()).jetstreamManager();
    between.refuse(true);
    await during('lost', between.cut);
    await streams.delete(`${namespace}_evt`);
    await during('reconnected', () => between.refuse(false));
    await publish(driver, event({ id: 'three' }), event({ id: 'four' }));
    const third = await taken.next();
    third.ack();
    expect([third.message.id, (await taken.next()).message.id]).toEqual(['three', 'four']);
  });

  test('of a queue gives what is not done, and a held command stays with its handler', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    await driver.declare({ queues: ['depot'] });
    const to = { kind: 'queue', context: 'depot' } as const;
    const taken = await hands(driver, to);
    await publish(driver, event({ id: 'one', to }), event({ id: 'two', to }));
    const held = await taken.next();
    const { consumers } = await (await bench.raw()).jetstreamManager();
    await consumers.delete(`${namespace}_cmd_depot`, 'lane_0');
    held.ack();
    expect((await taken.next()).message.id).toBe('two');
    expect(taken.taken).toHaveLength(2);
  });

  test('lane by lane before a start is declared anew where its neighbours began', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    await driver.declare(groups());
    const { consumers } = await (await bench.raw()).jetstreamManager();
    await consumers.delete(`${namespace}_evt`, 'a_b_0');
    await publish(driver, event({ id: 'meanwhile' }));
    await driver.declare(groups());
    expect((await (await hands(driver, groupSource('a.b'))).next()).message.id).toBe('meanwhile');
  });
});
