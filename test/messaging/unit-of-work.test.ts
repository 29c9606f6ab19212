import type { Collection, Contracts, Observation, Transaction } from '@waggle/kernel';
import { declaredMessage } from '@waggle/kernel';
import { describe, expect, test } from 'vitest';
import { createUnitOfWork, exactlyOnce, inMessageContext, randomIds } from '@waggle/messaging';
import { anEvent, aNewEvent, GROUP, openUnitOfWork, outboxOf, TYPE } from './harness.ts';

const context = { consumer: GROUP, attempt: 1, signal: new AbortController().signal };
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a unit of work', () => {
  test('commits state and messages together', async () => {
    const { unitOfWork, store } = await openUnitOfWork();
    await unitOfWork.run(async (tx) => {
      tx.collection('things').put('a', { n: 1 });
      tx.publish(aNewEvent('made', 'a'));
    });
    expect(await unitOfWork.run((tx) => tx.collection('things').get('a'))).toEqual({ n: 1 });
    expect(await outboxOf(store)).toMatchObject([{ partitionkey: 'a', data: 'made' }]);
  });

  test('commits nothing when the work throws', async () => {
    const { unitOfWork, store } = await openUnitOfWork();
    const failing = unitOfWork.run(async (tx) => {
      tx.collection('things').put('a', { n: 1 });
      tx.publish(aNewEvent('made'));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await unitOfWork.run((tx) => tx.collection('things').list())).toEqual([]);
    expect(await outboxOf(store)).toEqual([]);
  });

  test('reads what it has written itself', async () => {
    const { unitOfWork } = await openUnitOfWork();
    await unitOfWork.run(async (tx) => tx.collection('things').put('a', 1));
    await unitOfWork.run(async (tx) => {
      const things = tx.collection<number>('things');
      things.put('b', 2);
      expect(await things.get('b')).toBe(2);
      expect(await things.list()).toEqual([1, 2]);
    });
  });

  test('runs again after a lost race, so that no increment is lost', async () => {
    const { unitOfWork } = await openUnitOfWork();
    const increment = () =>
      unitOfWork.run(async (tx) => {
        const counters = tx.collection<number>('counters');
        counters.put('n', ((await counters.get('n')) ?? 0) + 1);
      });
    await Promise.all(Array.from({ length: 5 }, increment));
    expect(await unitOfWork.run((tx) => tx.collection('counters').get('n'))).toBe(5);
  });

  test('runs again when a document changed between two readings: what was first read may be what was acted on', async () => {
    const { unitOfWork } = await openUnitOfWork();
    const add = (amount: number, between = async (): Promise<void> => undefined) =>
      unitOfWork.run(async (tx) => {
        const counters = tx.collection<number>('counters');
        const before = (await counters.get('n')) ?? 0;
        await between();
        await counters.get('n');
        await counters.list();
        counters.put('n', before + amount);
      });
    await add(1);
    let meddle = true;
    await add(10, async () => {
      if (meddle) await add(100);
      meddle = false;
    });
    expect(await unitOfWork.run((tx) => tx.collection('counters').get('n'))).toBe(111);
  });

  test('does not overwrite what it never read', async () => {
    const { unitOfWork } = await openUnitOfWork();
    await unitOfWork.run(async (tx) => tx.collection('things').put('a', 'theirs'));
    let tries = 0;
    const blind = unitOfWork.run(async (tx) => {
      tries++;
      tx.collection('things').put('b', 'with it');
      tx.collection('things').put('a', 'mine');
      tx.publish(aNewEvent('never'));
    });
    await expect(blind).rejects.toMatchObject({ code: 'conflict', retryable: true });
    expect(tries).toBe(10);
    expect(await unitOfWork.run((tx) => tx.collection('things').list())).toEqual(['theirs']);
  });

  test('whose work only reads, or does nothing, commits nothing and cannot lose a race', async () => {
    const { unitOfWork, store } = await openUnitOfWork();
    const commits: unknown[] = [];
    const { commit } = store;
    store.commit = (scope, changes) => (commits.push(changes), commit(scope, changes));
    expect(await unitOfWork.run(async () => 'nothing')).toBe('nothing');
    expect(await unitOfWork.run((tx) => tx.collection('things').list())).toEqual([]);
    expect(commits).toEqual([]);
  });

  test('keeps what a service stores apart from what another stores under the same names', async () => {
    const { unitOfWork, store, messaging, clock } = await openUnitOfWork();
    const publisher = messaging.publisher;
    const other = createUnitOfWork({ store, publisher, service: 'elsewhere', clock, ids: randomIds });
    await unitOfWork.run(async (tx) => tx.collection('things').put('a', 1));
    await other.run(async (tx) => tx.collection('things').put('a', 2));
    expect(await unitOfWork.run((tx) => tx.collection('things').get('a'))).toBe(1);
  });

  test('refuses whatever it is told after its work has ended, instead of losing it', async () => {
    const { unitOfWork, store } = await openUnitOfWork();
    const late = async (end: Promise<unknown>, kept: { tx?: Transaction; things?: Collection<unknown> }) => {
      await end.catch(() => undefined);
      const { tx, things } = kept;
      if (tx === undefined || things === undefined) throw new Error('the work did not run');
      const closed = expect.objectContaining({ code: 'closed' });
      expect(() => tx.publish(aNewEvent('late'))).toThrow(closed);
      expect(() => tx.collection('things')).toThrow(closed);
      expect(() => things.put('a', 1)).toThrow(closed);
      await expect(things.get('a')).rejects.toThrow(closed);
      await expect(things.list()).rejects.toThrow(closed);
    };
    for (const outcome of ['done', 'failed']) {
      const kept: { tx?: Transaction; things?: Collection<unknown> } = {};
      const run = unitOfWork.run(async (tx) => {
        Object.assign(kept, { tx, things: tx.collection('things') });
        if (outcome === 'failed') throw new Error(outcome);
      });
      await late(run, kept);
    }
    expect(await outboxOf(store)).toEqual([]);
  });

  test('gives up with a conflict when every try loses', async () => {
    const { unitOfWork } = await openUnitOfWork();
    await unitOfWork.run(async (tx) => tx.collection('things').put('a', 1));
    const blind = unitOfWork.run(async (tx) => tx.collection('things').put('a', 2));
    await expect(blind).rejects.toMatchObject({ code: 'conflict' });
  });

  test('gives messages their id, time, source, correlation, cause and trace', async () => {
    const { unitOfWork, store } = await openUnitOfWork();
    await inMessageContext({ correlationId: 'c1', causationId: 'm1', traceparent }, () =>
      unitOfWork.run(async (tx) => tx.publish(aNewEvent(1))),
    );
    await unitOfWork.run(async (tx) => tx.publish(aNewEvent(2)));
    const [caused, first] = await outboxOf(store);
    expect(caused).toMatchObject({
      source: '/testing',
      time: '2026-11-23T09:00:00.000Z',
      correlationid: 'c1',
      causationid: 'm1',
    });
    expect(caused?.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)/);
    expect(first?.correlationid).toBe(first?.id);
    expect(first?.causationid).toBeUndefined();
  });

  test('refuses a message that no broker would take, before anything is committed', async () => {
    const { unitOfWork, store } = await openUnitOfWork();
    const work = unitOfWork.run(async (tx) => tx.publish(aNewEvent('x'.repeat(20_000))));
    await expect(work).rejects.toMatchObject({ code: 'too-large' });
    expect(await outboxOf(store)).toEqual([]);
  });
});

test('a unit of work refuses what no contract declares, or declares as something else', async () => {
  const contracts: Contracts = {
    find: (type) => (type === TYPE ? { kind: 'event', check: () => undefined } : undefined),
  };
  const { unitOfWork, store } = await openUnitOfWork({ contracts });
  const undeclared = declaredMessage({ kind: 'event', type: 'testing.unheard-of.v1', data: 1 } as const);
  const command = declaredMessage({ kind: 'command', type: TYPE, data: 1 } as const);
  const publishing = unitOfWork.run(async (tx) => tx.publish(undeclared));
  await expect(publishing).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('no contract declares testing.unheard-of.v1 as an event'),
  });
  const sending = unitOfWork.run(async (tx) => tx.send(command));
  await expect(sending).rejects.toMatchObject({ code: 'invalid' });
  await unitOfWork.run(async (tx) => tx.publish(aNewEvent('declared')));
  expect(await outboxOf(store)).toHaveLength(1);
});

describe('the inbox', () => {
  test('lets a message change state once for each consumer', async () => {
    const { unitOfWork } = await openUnitOfWork();
    const handler = exactlyOnce(unitOfWork, async (_, tx) => {
      const counters = tx.collection<number>('counters');
      counters.put('n', ((await counters.get('n')) ?? 0) + 1);
    });
    const event = anEvent();
    await Promise.all([handler(event, context), handler(event, context)]);
    await handler(event, context);
    expect(await unitOfWork.run((tx) => tx.collection('counters').get('n'))).toBe(1);
    await handler(event, { ...context, consumer: 'testing.other' });
    expect(await unitOfWork.run((tx) => tx.collection('counters').get('n'))).toBe(2);
  });

  test('does not even start what it has had before, and says that it was a repeat', async () => {
    const { unitOfWork } = await openUnitOfWork();
    const seen: Observation[] = [];
    let runs = 0;
    const handler = exactlyOnce(
      unitOfWork,
      async () => void runs++,
      (observation) => seen.push(observation),
    );
    const event = anEvent();
    await handler(event, context);
    await handler(event, { ...context, attempt: 2 });
    expect(runs).toBe(1);
    expect(seen).toMatchObject([{ what: 'duplicate', id: event.id, consumer: GROUP, attempt: 2 }]);
  });

  test('lets one of two that race have its effect, messages included', async () => {
    const { unitOfWork, store } = await openUnitOfWork();
    const both = Promise.withResolvers<void>();
    let started = 0;
    const handler = exactlyOnce(unitOfWork, async (_, tx) => {
      if (++started === 2) both.resolve();
      await both.promise;
      tx.publish(aNewEvent('once'));
    });
    const event = anEvent();
    await Promise.all([handler(event, context), handler(event, context)]);
    expect(started).toBe(2);
    expect(await outboxOf(store)).toHaveLength(1);
  });

  test('knows a message by whatever a stranger wrote as its id', async () => {
    const { unitOfWork } = await openUnitOfWork();
    let runs = 0;
    const handler = exactlyOnce(unitOfWork, async (_, tx) => tx.collection('runs').put(String(++runs), runs));
    for (const id of ['\u0000', 'half \ud800', 'half \ud801', 'x'.repeat(5_000), 'x'.repeat(5_001)])
      for (let time = 0; time < 2; time++) await handler(anEvent({ id }), context);
    expect(runs).toBe(5);
  });

  test('forgets a handling that failed, so that the next try has its effect', async () => {
    const { unitOfWork } = await openUnitOfWork();
    let tries = 0;
    const handler = exactlyOnce(unitOfWork, async (_, tx) => {
      tx.collection('things').put('a', ++tries);
      if (tries === 1) throw new Error('not yet');
    });
    const event = anEvent();
    await expect(handler(event, context)).rejects.toThrow('not yet');
    await handler(event, context);
    expect(await unitOfWork.run((tx) => tx.collection('things').get('a'))).toBe(2);
  });

  test('commits nothing for a handling that was given up on', async () => {
    const { unitOfWork } = await openUnitOfWork();
    const abort = new AbortController();
    const handler = exactlyOnce(unitOfWork, async (_, tx) => {
      tx.collection('things').put('a', 1);
      abort.abort(new Error('too late'));
    });
    await expect(handler(anEvent(), { ...context, signal: abort.signal })).rejects.toThrow('too late');
    expect(await unitOfWork.run((tx) => tx.collection('things').list())).toEqual([]);
  });
});
