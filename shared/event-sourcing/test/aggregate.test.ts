import { recordingTransaction } from '@waggle/kernel/testing';
import { describe, expect, test } from 'vitest';
import { defineAggregate } from '../src/index.ts';
import { counted, counter, openService, sums } from './setup.ts';

const counters = defineAggregate({ category: 'counter', decider: counter });
const snapshotted = (schemaVersion: number) =>
  defineAggregate({ category: 'counter', decider: counter, snapshots: { every: 3, schemaVersion } });

describe('an aggregate', () => {
  test('is folded from its stream, decides, and appends what happened', async () => {
    const { unitOfWork, events } = await openService();
    const handle = (by: number) => unitOfWork.run((tx) => counters.handle(tx, 'a', { by }));
    expect(await handle(2)).toEqual({ events: [counted(2)], state: 2, version: 1 });
    expect(await handle(3)).toMatchObject({ state: 5, version: 2 });
    expect(await handle(0)).toEqual({ events: [], state: 5, version: 2 });
    await expect(handle(6)).rejects.toThrow('ten is the end');
    expect((await events.read('counter-a')).map(({ data }) => data)).toEqual([{ by: 2 }, { by: 3 }]);
    expect(await unitOfWork.run((tx) => counters.load(tx, 'b'))).toEqual({ state: 0, version: 0 });
  });

  test('sees in one transaction what it decided before', async () => {
    const { unitOfWork } = await openService();
    const last = await unitOfWork.run(async (tx) => {
      await counters.handle(tx, 'a', { by: 1 });
      return counters.handle(tx, 'a', { by: 2 });
    });
    expect(last).toMatchObject({ state: 3, version: 2 });
  });

  test('decides again when somebody was faster, and keeps its rules', async () => {
    const { unitOfWork, events } = await openService();
    const racing = Array.from({ length: 6 }, () =>
      unitOfWork.run((tx) => counters.handle(tx, 'a', { by: 2 })),
    );
    const outcomes = await Promise.allSettled(racing);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(await events.read('counter-a')).toHaveLength(5);
  });

  test('refuses a category with a dash, and a policy that makes no sense', () => {
    expect(() => defineAggregate({ category: 'a-b', decider: counter })).toThrow('"a-b" is not a category');
    const snapshots = { every: 0 };
    expect(() => defineAggregate({ category: 'a', decider: counter, snapshots })).toThrow('every 0 events');
  });
});

describe('a snapshot', () => {
  test('is kept about every so many events, and saves reading them', async () => {
    const { unitOfWork, store } = await openService();
    const read: unknown[] = [];
    const { readStream } = store;
    store.readStream = (scope, stream, range) => (read.push(range), readStream(scope, stream, range));
    for (let turn = 0; turn < 7; turn++)
      await unitOfWork.run((tx) => snapshotted(1).handle(tx, 'a', { by: 1 }));
    expect(await unitOfWork.run((tx) => snapshotted(1).load(tx, 'a'))).toEqual({ state: 7, version: 7 });
    expect(read.at(-1)).toEqual({ from: 7 });
  });

  test('of another shape is ignored', async () => {
    const { unitOfWork, store } = await openService();
    for (let turn = 0; turn < 4; turn++)
      await unitOfWork.run((tx) => snapshotted(1).handle(tx, 'a', { by: 1 }));
    const read: unknown[] = [];
    const { readStream } = store;
    store.readStream = (scope, stream, range) => (read.push(range), readStream(scope, stream, range));
    expect(await unitOfWork.run((tx) => snapshotted(2).load(tx, 'a'))).toEqual({ state: 4, version: 4 });
    expect(read).toEqual([{}]);
  });
});

test('an inline read model changes in the transaction of the events', async () => {
  const { projection, reacted } = sums();
  const inline = defineAggregate({ category: 'counter', decider: counter, inline: [projection] });
  const { tx, documents } = recordingTransaction();
  await inline.handle(tx, 'a', { by: 2 });
  await inline.handle(tx, 'a', { by: 3 });
  expect(documents('sums.1').get('counter-a')).toEqual({ sum: 5 });
  expect(reacted).toEqual(['counter-a@1', 'counter-a@2']);
});
