import assert from 'node:assert/strict';
import { defineAggregate } from '@waggle/event-sourcing';
import type { Decider } from '@waggle/kernel';
import { storeCase } from './case.ts';

type Counted = { readonly type: 'counted'; readonly data: { readonly by: number } };

const counter: Decider<number, number, Counted> = {
  decide: (by) => [{ type: 'counted', data: { by } }],
  evolve: (state, { data }) => state + data.by,
  initialState: 0,
};

const counters = (schemaVersion: number, decider = counter) =>
  defineAggregate({ category: 'counter', decider, snapshots: { every: 3, schemaVersion } });

export const sourcingCases = [
  storeCase(
    'M23',
    'an aggregate goes on from its snapshot, and one of another shape is ignored',
    async (bench) => {
      const { unitOfWork } = await bench.openService();
      const count = (by: number) => unitOfWork.run((tx) => counters(1).handle(tx, 'a', by));
      for (let by = 1; by <= 7; by++) assert.equal((await count(by)).version, by);
      assert.deepEqual(await unitOfWork.run((tx) => counters(1).load(tx, 'a')), { state: 28, version: 7 });
      // What reads the snapshot of the first six does not fold them again.
      const forgetful = { ...counter, evolve: (state: number, { data: { by } }: Counted) => state * 10 + by };
      const load = (schemaVersion: number) =>
        unitOfWork.run((tx) => counters(schemaVersion, forgetful).load(tx, 'a'));
      assert.deepEqual(await load(1), { state: 217, version: 7 });
      assert.deepEqual(await load(2), { state: 1_234_567, version: 7 });
    },
  ),
];
