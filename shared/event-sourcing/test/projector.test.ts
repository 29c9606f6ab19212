import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { project } from '../testing/index.ts';
import type { Projection } from '../src/index.ts';
import type { OpenService } from './setup.ts';
import { counted, openService, sums } from './setup.ts';

/** Keeps a read model up until it is told to stop, or the test ends. */
function run({ projector }: OpenService, projection: Projection, epoch = 1) {
  const stop = new AbortController();
  const done = projector.run(projection, epoch, stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await done;
  };
  onTestFinished(end);
  return { end };
}

async function caughtUp({ projector }: OpenService, projection: Projection): Promise<void> {
  await expect.poll(() => projector.isCaughtUp(projection)).toBe(true);
}

async function count({ events }: OpenService, times: number, from = 0): Promise<void> {
  for (let turn = from; turn < from + times; turn++)
    await events.append(`counter-${turn % 3}`, [counted(1)], 'any');
}

const NINE = [{ sum: 3 }, { sum: 3 }, { sum: 3 }];

describe('a read model', () => {
  test('has each event once, what was there before and what comes, and reacts to it', async () => {
    const service = await openService();
    const { projection, reacted, views } = sums();
    await count(service, 5);
    run(service, projection);
    await count(service, 4, 5);
    await caughtUp(service, projection);
    expect(await views(service)).toEqual(NINE);
    expect(reacted).toHaveLength(9);
  });

  test('goes on where it was, after a stop, under whoever keeps it up next', async () => {
    const service = await openService();
    const { projection, reacted, views } = sums();
    const first = run(service, projection);
    await count(service, 4);
    await caughtUp(service, projection);
    await first.end();
    await count(service, 5, 4);
    expect(await service.projector.isCaughtUp(projection)).toBe(false);
    run(service, projection, 2);
    await caughtUp(service, projection);
    expect(await views(service)).toEqual(NINE);
    expect(new Set(reacted).size).toBe(9);
  });

  test('has each event once also when two keep it up, of which one has been replaced', async () => {
    const service = await openService();
    const { projection, views } = sums();
    run(service, projection, 1);
    run(service, projection, 2);
    await count(service, 9);
    await caughtUp(service, projection);
    expect(await views(service)).toEqual(NINE);
  });

  test('tells whether it shows a version of a stream', async () => {
    const service = await openService();
    const { projection } = sums();
    const { hasReached } = service.projector;
    await count(service, 1);
    expect(await hasReached(projection, 'counter-0', 1)).toBe(false);
    run(service, projection);
    await caughtUp(service, projection);
    expect(await hasReached(projection, 'counter-0', 1)).toBe(true);
    expect(await hasReached(projection, 'counter-0', 2)).toBe(false);
  });

  test('whose projection fails passes nothing over, and goes on once it does not', async () => {
    const service = await openService();
    const { projection, views } = sums();
    let broken = true;
    const failing: Projection = {
      ...projection,
      applyTo: (...args) => (broken ? Promise.reject(new Error('no')) : projection.applyTo(...args)),
    };
    run(service, failing);
    await count(service, 9);
    await vi.waitFor(async () => expect(await service.projector.isCaughtUp(failing)).toBe(false));
    expect(await views(service)).toEqual([]);
    broken = false;
    await caughtUp(service, failing);
    expect(await views(service)).toEqual(NINE);
  });
});

describe('a rebuild', () => {
  test('builds the views anew beside those that are asked, switches over, and reacts to nothing again', async () => {
    const service = await openService();
    const { projection, reacted, views } = sums();
    run(service, projection);
    await count(service, 6);
    await caughtUp(service, projection);
    const old = await service.unitOfWork.run(async (tx) => (await projection.generations(tx)).live);
    await service.unitOfWork.run(async (tx) => (await projection.views(tx)).put('spoilt', { sum: 99 }));
    await service.projector.rebuild(projection);
    await count(service, 3, 6);
    const live = () => service.unitOfWork.run(async (tx) => (await projection.generations(tx)).live);
    await expect.poll(live).toBe(old + 1);
    await caughtUp(service, projection);
    expect(await views(service)).toEqual(NINE);
    expect(reacted.toSorted()).toEqual([...new Set(reacted)].toSorted());
    expect(reacted).toHaveLength(9);
    const left = () => service.unitOfWork.run((tx) => projection.collectionOf(tx, old).ids());
    await expect.poll(left).toEqual([]);
  });

  test('happens by itself when the code has a newer version, while the old one is kept up by older code', async () => {
    const service = await openService();
    const before = sums();
    const after = sums({ version: 2, field: 'total' });
    run(service, before.projection);
    await count(service, 6);
    await caughtUp(service, before.projection);
    run(service, after.projection);
    await count(service, 3, 6);
    await expect.poll(() => after.views(service)).toEqual([{ total: 3 }, { total: 3 }, { total: 3 }]);
    await count(service, 3, 9);
    await caughtUp(service, after.projection);
    expect(await after.views(service)).toEqual([{ total: 4 }, { total: 4 }, { total: 4 }]);
    const all = [...before.reacted, ...after.reacted];
    expect(all.toSorted()).toEqual([...new Set(all)].toSorted());
    expect(all).toHaveLength(12);
  });
});

test('a projection is tried out without a store', async () => {
  const { views } = await project(sums().projection, 'counter-a', counted(2), counted(3));
  expect([...views]).toEqual([['counter-a', { sum: 5 }]]);
});
