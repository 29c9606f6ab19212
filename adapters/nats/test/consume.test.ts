import { describe, expect, test } from 'vitest';
import { event, groupSource, hands, publish, useServer, type Hands } from './harness.ts';

const bench = useServer();
const group = (name: string, ordering: 'by-key' | 'none' = 'by-key', from: 'new' | 'beginning' = 'new') => ({
  groups: [{ group: name, types: ['*'], from, ordering }],
});
const idOf = async (taken: Hands) => (await taken.next()).message.id;

describe('groups', () => {
  test('get what was published after they were declared, also before anybody attached', async () => {
    const driver = await bench.open();
    await publish(driver, event({ id: 'before' }));
    await driver.declare({
      groups: [
        ...group('a.new').groups,
        ...group('a.all', 'by-key', 'beginning').groups,
        ...group('a.none', 'none').groups,
      ],
    });
    await publish(driver, event({ id: 'after' }));
    const fresh = await hands(driver, groupSource('a.new'));
    expect(await idOf(fresh)).toBe('after');
    const none = await hands(driver, groupSource('a.none'), { ordering: 'none' });
    expect(await idOf(none)).toBe('after');
    const all = await hands(driver, groupSource('a.all'));
    const first = await all.next();
    expect(first.message.id).toBe('before');
    first.ack();
    expect(await idOf(all)).toBe('after');
  });

  test('begin behind a position, and refuse one that is gone, or past the head, or from elsewhere', async () => {
    const driver = await bench.open();
    await publish(driver, event({ id: 'one' }), event({ id: 'two' }));
    const declare = (name: string, after: string) =>
      driver.declare({ groups: [{ group: name, types: ['*'], from: { after }, ordering: 'by-key' }] });
    await declare('a.b', '1');
    expect(await idOf(await hands(driver, groupSource('a.b')))).toBe('two');
    await expect(declare('a.c', '3')).rejects.toMatchObject({ code: 'out-of-range' });
    await expect(declare('a.c', '0')).rejects.toMatchObject({ code: 'out-of-range' });
    await expect(declare('a.c', 'x')).rejects.toMatchObject({ code: 'invalid' });
    await declare('a.b', '99');
  });

  test('that exist with another ordering are a conflict, both ways', async () => {
    const driver = await bench.open();
    await driver.declare({ groups: [...group('a.keyed').groups, ...group('a.loose', 'none').groups] });
    await expect(driver.declare(group('a.keyed', 'none'))).rejects.toMatchObject({ code: 'conflict' });
    await expect(driver.declare(group('a.loose', 'by-key'))).rejects.toMatchObject({ code: 'conflict' });
  });

  test('and streams can be created by many processes at once', async () => {
    for (let round = 0; round < 10; round++) {
      const namespace = bench.namespace();
      const drivers = await Promise.all(Array.from({ length: 6 }, () => bench.open({ namespace })));
      const wanted = { ...group('a.b'), queues: ['depot'] };
      await Promise.all(drivers.map((each) => each.declare(wanted)));
      await Promise.all(drivers.map((each) => each.close()));
    }
  });

  test('that were never declared cannot be consumed, and have no lag', async () => {
    const driver = await bench.open();
    await expect(hands(driver, groupSource('a.b'))).rejects.toMatchObject({ code: 'unroutable' });
    await expect(driver.lag({ kind: 'queue', context: 'none' })).rejects.toMatchObject({
      code: 'unroutable',
    });
  });

  test('of two drivers share the lanes: one message of a lane at a time, in order, over both', async () => {
    const namespace = bench.namespace();
    const [one, two] = await Promise.all([bench.open({ namespace }), bench.open({ namespace })]);
    await one.declare(group('a.b'));
    const both = new Set<string>();
    const busy = new Set<number | string>();
    const seen: string[] = [];
    let overlaps = 0;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const take = (who: string) => (delivery: Parameters<Hands['take']>[0]) => {
      both.add(who);
      if (busy.has(delivery.lane)) overlaps++;
      busy.add(delivery.lane);
      setImmediate(() => {
        busy.delete(delivery.lane);
        seen.push(`${delivery.lane}:${delivery.message.id}`);
        delivery.ack();
        if (seen.length === 80) resolve();
      });
    };
    const options = { source: groupSource('a.b'), ordering: 'by-key', concurrency: 1 } as const;
    await Promise.all([one.consume(options, take('one')), two.consume(options, take('two'))]);
    const messages = Array.from({ length: 80 }, (_, index) =>
      event({ lane: index % 4, id: String(1000 + index) }),
    );
    await publish(one, ...messages);
    await done;
    expect(overlaps).toBe(0);
    expect(both.size).toBe(2);
    for (const lane of [0, 1, 2, 3]) {
      const ids = seen.filter((each) => each.startsWith(`${lane}:`));
      expect(ids).toEqual([...ids].sort());
    }
  });

  test('take no more of the unordered lane than have a place', async () => {
    const driver = await bench.open();
    await driver.declare(group('a.b'));
    const taken = await hands(driver, groupSource('a.b'), { concurrency: 3 });
    await publish(
      driver,
      ...Array.from({ length: 9 }, () => event({ lane: 'unordered' })),
      event({ lane: 1 }),
    );
    const four = [await taken.next(), await taken.next(), await taken.next(), await taken.next()];
    expect(four.filter(({ lane }) => lane === 'unordered')).toHaveLength(3);
    expect(await driver.lag(groupSource('a.b'))).toBe(10);
    expect(taken.unread).toBe(0);
    four.forEach((each) => each.ack());
    for (let more = 0; more < 6; more++) (await taken.next()).ack();
    await expect.poll(() => driver.lag(groupSource('a.b'))).toBe(0);
  });
});

describe('a queue', () => {
  test('gives each command to one member and keeps it until it is done', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    await driver.declare({ queues: ['depot'] });
    const source = { kind: 'queue', context: 'depot' } as const;
    await publish(driver, event({ to: source, id: 'c1', type: 'depot.sort-parcel.v1', lane: 3 }));
    expect(await driver.lag(source)).toBe(1);
    const taken = await hands(driver, source);
    const command = await taken.next();
    expect([command.message.id, command.message.type, command.lane]).toEqual([
      'c1',
      'depot.sort-parcel.v1',
      3,
    ]);
    command.ack();
    await expect.poll(() => driver.lag(source)).toBe(0);
    const streams = (await driver.describe()).filter(({ name }) => name === `${namespace}_cmd_depot`);
    expect(streams.map(({ details }) => details['messages'])).toEqual([0]);
  });
});

describe('settling', () => {
  test('by retry holds the lane for the delay at least, and counts the attempt', async () => {
    const driver = await bench.open();
    await driver.declare(group('a.b'));
    const taken = await hands(driver, groupSource('a.b'));
    await publish(driver, event({ id: 'one' }), event({ id: 'two' }));
    const first = await taken.next();
    const since = Date.now();
    first.retry(400);
    first.ack();
    const again = await taken.next();
    expect(Date.now() - since).toBeGreaterThanOrEqual(400);
    expect([again.message.id, again.attempt]).toEqual(['one', 2]);
    again.ack();
    const second = await taken.next();
    expect([second.message.id, second.attempt]).toEqual(['two', 1]);
  });

  test('by retry makes room for another message where there is no order', async () => {
    const driver = await bench.open();
    await driver.declare(group('a.b', 'none'));
    const taken = await hands(driver, groupSource('a.b'), { ordering: 'none', concurrency: 1 });
    await publish(driver, event({ id: 'one' }), event({ id: 'two' }));
    (await taken.next()).retry(500);
    const two = await taken.next();
    expect(two.message.id).toBe('two');
    two.ack();
    expect((await taken.next()).attempt).toBe(2);
  });

  test('by release hands back at once', async () => {
    const driver = await bench.open({ leaseMs: 60_000 });
    await driver.declare(group('a.b'));
    const taken = await hands(driver, groupSource('a.b'));
    await publish(driver, event({ id: 'one' }));
    (await taken.next()).release();
    expect(await idOf(taken)).toBe('one');
  });

  test('is not needed while the lease is extended, and goes to another member when it is not', async () => {
    const namespace = bench.namespace();
    const one = await bench.open({ namespace, leaseMs: 600 });
    const two = await bench.open({ namespace, leaseMs: 600 });
    await one.declare(group('a.b'));
    const holding = await hands(one, groupSource('a.b'));
    await publish(one, event({ id: 'one' }));
    const held = await holding.next();
    const other = await hands(two, groupSource('a.b'));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(other.taken).toHaveLength(0);
    held.ack();
    await publish(one, event({ id: 'two' }));
    const winner = await Promise.race([holding.next(), other.next()]);
    expect([winner.message.id, winner.attempt]).toEqual(['two', 1]);
  });
});

describe('a consumer', () => {
  test('that is paused takes nothing and goes on when resumed', async () => {
    const driver = await bench.open();
    await driver.declare(group('a.b'));
    const taken = await hands(driver, groupSource('a.b'));
    await publish(driver, event({ id: 'one' }));
    const first = await taken.next();
    taken.consumer.pause();
    taken.consumer.pause();
    first.ack();
    await publish(driver, event({ id: 'two' }), event({ id: 'three', lane: 1 }));
    await expect.poll(() => driver.lag(groupSource('a.b'))).toBe(2);
    expect(taken.taken).toHaveLength(1);
    taken.consumer.resume();
    expect(new Set([await idOf(taken), await idOf(taken)])).toEqual(new Set(['two', 'three']));
  });

  test.each([7, 11])(
    'that is paused and resumed at random, next to another, leaves nothing lying (seed %i)',
    async (seed) => {
      const namespace = bench.namespace();
      const settings = { namespace, leaseMs: 60_000 };
      const [one, two] = await Promise.all([bench.open(settings), bench.open(settings)]);
      await one.declare(group('a.b'));
      const handled: string[] = [];
      const handle = (delivery: Parameters<Hands['take']>[0]): void => {
        const done = (): void => {
          handled.push(delivery.message.id ?? '');
          delivery.ack();
        };
        setTimeout(done, 2);
      };
      const options = { source: groupSource('a.b'), ordering: 'by-key', concurrency: 4 } as const;
      const members = await Promise.all([one, two].map((each) => each.consume(options, handle)));
      const lanes = [0, 1, 2, 3, 'unordered'] as const;
      const rounds = Array.from({ length: 300 }, (_, round) => 1000 + round);
      const publishing = (async () => {
        for (const round of rounds)
          await publish(one, ...lanes.map((lane) => event({ lane, id: `${lane}:${round}` })));
      })();
      let state = seed;
      const random = () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
      const sleep = () => new Promise((resolve) => setTimeout(resolve, random() * 15));
      for (const since = Date.now(); Date.now() - since < 4000;) {
        const member = members[Math.floor(random() * 2)];
        member?.pause();
        await sleep();
        member?.resume();
        if (random() < 0.8) await sleep();
      }
      await publishing;
      await expect.poll(() => one.lag(groupSource('a.b')), { timeout: 8000 }).toBe(0);
      expect(new Set(handled).size).toBe(rounds.length * lanes.length);
      expect(handled).toHaveLength(rounds.length * lanes.length);
      for (const lane of [0, 1, 2, 3])
        expect(handled.filter((id) => id.startsWith(`${lane}:`))).toEqual(rounds.map((n) => `${lane}:${n}`));
    },
  );

  test('that is paused without order hands back what comes once, not once a request', async () => {
    const namespace = bench.namespace();
    const [one, two] = await Promise.all([bench.open({ namespace }), bench.open({ namespace })]);
    await one.declare(group('a.b', 'none'));
    const paused = await hands(one, groupSource('a.b'), { ordering: 'none', concurrency: 20 });
    const other = await hands(two, groupSource('a.b'), { ordering: 'none', concurrency: 20 });
    paused.consumer.pause();
    await publish(one, event({ id: 'one' }), event({ id: 'two' }));
    for (const delivery of [await other.next(), await other.next()]) {
      expect(delivery.attempt).toBeLessThanOrEqual(2);
      delivery.ack();
    }
    expect(paused.taken).toHaveLength(0);
    await expect.poll(() => one.lag(groupSource('a.b'))).toBe(0);
  });

  test('that closes gives back what is unsettled, sends what was settled, and settles nothing afterwards', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace, leaseMs: 60_000 });
    await driver.declare(group('a.b'));
    const taken = await hands(driver, groupSource('a.b'));
    await publish(driver, event({ id: 'done', lane: 0 }), event({ id: 'open', lane: 1 }));
    const both = [await taken.next(), await taken.next()];
    both.find(({ lane }) => lane === 0)?.ack();
    await Promise.all([taken.consumer.close(), taken.consumer.close()]);
    both.find(({ lane }) => lane === 1)?.ack();
    expect(await driver.lag(groupSource('a.b'))).toBe(1);
    const next = await hands(driver, groupSource('a.b'));
    const again = await next.next();
    expect([again.message.id, again.attempt]).toEqual(['open', 2]);
  });

  test('that throws hands back instead of losing the message', async () => {
    const driver = await bench.open();
    await driver.declare(group('a.b'));
    const taken = await new Promise<number>((resolve, reject) => {
      const deliver = (delivery: Parameters<Hands['take']>[0]) => {
        if (delivery.attempt === 1) throw new Error('broken');
        resolve(delivery.attempt);
      };
      driver
        .consume({ source: groupSource('a.b'), ordering: 'by-key', concurrency: 1 }, deliver)
        .then(() => publish(driver, event()))
        .catch(reject);
    });
    expect(taken).toBe(2);
  });
});

describe('a redrive', () => {
  test('reaches its group alone, every time, in its lane, and no reader', async () => {
    const driver = await bench.open();
    await driver.declare({
      groups: [...group('a.b').groups, ...group('a.c').groups, ...group('a.d', 'none').groups],
    });
    const [b, c, d] = await Promise.all([
      hands(driver, groupSource('a.b')),
      hands(driver, groupSource('a.c')),
      hands(driver, groupSource('a.d'), { ordering: 'none' }),
    ]);
    await publish(driver, event({ id: 'one', lane: 3 }));
    for (const each of [b, c, d]) (await each.next()).ack();
    const redrive = (name: string) => event({ to: { kind: 'group', group: name }, id: 'one', lane: 3 });
    await publish(driver, redrive('a.b'));
    await publish(driver, redrive('a.b'), redrive('a.d'));
    for (const each of [await b.next(), await d.next()]) {
      expect([each.message.id, each.message.type, each.lane, each.attempt]).toEqual([
        'one',
        'parcels.parcel-posted.v1',
        3,
        1,
      ]);
      each.ack();
    }
    (await b.next()).ack();
    await publish(driver, event({ id: 'two', lane: 3 }));
    expect(await idOf(c)).toBe('two');
    const read: unknown[] = [];
    for await (const { message } of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }))
      read.push(message.id);
    expect(read).toEqual(['one', 'two']);
  });
});
