import { describe, expect, test } from 'vitest';
import { exactlyOnce, inMessageContext } from '@waggle/messaging';
import { anEvent, aNewEvent, GROUP, openUnitOfWork } from './harness.ts';

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
    expect(await store.outbox(0, 10)).toMatchObject([
      { kind: 'event', message: { partitionkey: 'a', data: 'made' } },
    ]);
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
    expect(await store.outbox(0, 10)).toEqual([]);
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
    const [caused, first] = (await store.outbox(0, 10)).map(({ message }) => message);
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
    expect(await store.outbox(0, 10)).toEqual([]);
  });
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
