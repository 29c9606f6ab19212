import assert from 'node:assert/strict';
import type { CloudEvent } from '@waggle/kernel';
import { rejection } from '../suite/expectations.ts';
import type { StoreBench } from './bench.ts';
import { aNewEvent, recordingPublisher } from './bench.ts';
import { storeCase } from './case.ts';

const NOON = Date.UTC(2026, 0, 1, 12);

/** So seldom that a relay is on time because the store said when, and that an hour passes quickly. */
const SELDOM_MS = 600_000;

/** A service and a relay on a clock that stands still, over one store. */
async function scheduling(bench: StoreBench) {
  const clock = bench.virtualClock(NOON);
  const store = await bench.open();
  const { unitOfWork } = bench.service(store, 'testing', { clock });
  const { came, publish } = recordingPublisher();
  const relay = bench.relay(store, publish, { clock, leaseMs: 24 * 3_600_000, pollMs: SELDOM_MS });
  const last: string[] = [];
  let nowMs = NOON;
  const data = () => came.map((each) => each.data).filter((each) => !last.includes(String(each)));

  const until = (isSo: () => boolean, what: string, stepMs: number) =>
    bench.until(async () => {
      await clock.advance(stepMs);
      return isSo();
    }, what);

  /**
   * Time passes, then exactly these have come. A server answers in real time, so some more may pass until what must come has
   * come. A message that is due now is last, and comes with whatever else left.
   */
  const pass = async (ms: number, expected: readonly unknown[]) => {
    nowMs += ms;
    await clock.advance(nowMs - clock.now());
    if (data().length < expected.length)
      await until(() => data().length >= expected.length, `${expected.length} messages`, 1);
    const sentinel = `sentinel ${last.length}`;
    last.push(sentinel);
    await unitOfWork.run(async (tx) => tx.deliverAt(sentinel, clock.now(), aNewEvent(sentinel)));
    await until(() => came.some((each) => each.data === sentinel), 'a last message', 0);
    assert.deepEqual(data(), expected);
  };
  return { clock, store, unitOfWork, relay, pass };
}

export const schedulingCases = [
  storeCase('L2', 'a message that is scheduled leaves at its time, not earlier, and once', async (bench) => {
    const { unitOfWork, pass } = await scheduling(bench);
    await unitOfWork.run(async (tx) => {
      tx.deliverAt('second', NOON + 20_000, aNewEvent('second'));
      tx.deliverAt('first', NOON + 10_000, aNewEvent('first', 'a'));
      tx.publish(aNewEvent('now'));
    });
    await pass(0, ['now']);
    await pass(9_999, ['now']);
    await pass(1, ['now', 'first']);
    await pass(9_999, ['now', 'first']);
    await pass(1, ['now', 'first', 'second']);
    await pass(3_600_000, ['now', 'first', 'second']);
  }),
  storeCase('L2', 'many that are due leave oldest first, as many at a time as wanted', async (bench) => {
    const { store, unitOfWork } = await bench.openService();
    await unitOfWork.run(async (tx) => {
      tx.publish(aNewEvent(0, 'a'));
      for (const n of [4, 1, 6, 3, 2, 5]) tx.deliverAt(`m${n}`, NOON + n, aNewEvent(n, 'a'));
    });
    const left = async () => (await store.outbox({ after: 0, limit: 10 })).entries;
    const turns: readonly (readonly [nowMs: number, nextMs: number | undefined, last: number])[] = [
      [NOON, NOON + 1, 0],
      [NOON + 5, NOON + 3, 2],
      [NOON + 5, NOON + 5, 4],
      [NOON + 5, NOON + 6, 5],
      [NOON + 6, undefined, 6],
      [NOON + 7, undefined, 6],
    ];
    for (const [nowMs, nextMs, last] of turns) {
      assert.deepEqual(await store.releaseDue(nowMs, 2), { nextMs });
      assert.deepEqual(
        (await left()).map(({ body }) => (JSON.parse(body) as CloudEvent).data),
        [0, 1, 2, 3, 4, 5, 6].slice(0, last + 1),
      );
    }
    const [published, ...released] = await left();
    for (const { kind, key, partition } of released)
      assert.deepEqual([kind, key, partition], [published?.kind, published?.key, published?.partition]);
  }),
  storeCase('L2', 'a time that is past is now, and one that is none is refused', async (bench) => {
    const { unitOfWork, pass } = await scheduling(bench);
    await unitOfWork.run(async (tx) => tx.deliverAt('past', NOON - 1, aNewEvent('past')));
    await pass(1_000, ['past']);
    const odd = unitOfWork.run(async (tx) => tx.deliverAt('odd', Number.NaN, aNewEvent('odd')));
    await rejection(odd, 'invalid');
    await rejection(
      unitOfWork.run(async (tx) => tx.deliverAt('', NOON, aNewEvent('odd'))),
      'invalid',
    );
    await pass(60_000, ['past']);
  }),
  storeCase('L3', 'what is scheduled survives a restart, and is not early after it', async (bench) => {
    const first = await scheduling(bench);
    await first.unitOfWork.run(async (tx) => {
      tx.deliverAt('soon', NOON + 1_000, aNewEvent('soon'));
      tx.deliverAt('later', NOON + 60_000, aNewEvent('later'));
    });
    await first.relay.stop(0);
    await first.store.close();
    const { pass } = await scheduling(bench);
    await pass(0, []);
    await pass(1_000, ['soon']);
    await pass(58_999, ['soon']);
    await pass(1, ['soon', 'later']);
  }),
  storeCase(
    'L4',
    'what is cancelled never leaves, and what is rescheduled leaves at its new time alone',
    async (bench) => {
      const { unitOfWork, pass } = await scheduling(bench);
      const at = (id: string, ms: number, data: string) =>
        unitOfWork.run(async (tx) => tx.deliverAt(id, NOON + ms, aNewEvent(data)));
      await at('a', 10_000, 'never');
      await at('b', 10_000, 'too early');
      await at('c', 60_000, 'too late');
      await unitOfWork.run(async (tx) => {
        tx.cancel('a');
        tx.cancel('nothing of that name');
        tx.deliverAt('b', NOON + 20_000, aNewEvent('moved back'));
        tx.deliverAt('c', NOON + 5_000, aNewEvent('moved forward'));
      });
      await pass(5_000, ['moved forward']);
      await pass(5_000, ['moved forward']);
      await pass(10_000, ['moved forward', 'moved back']);
      await unitOfWork.run(async (tx) => tx.cancel('b'));
      await at('b', 30_000, 'again');
      await pass(10_000, ['moved forward', 'moved back', 'again']);
      await pass(600_000, ['moved forward', 'moved back', 'again']);
    },
  ),
  storeCase(
    'L5',
    'two messages of one type and one time both leave, also under the same name in two services',
    async (bench) => {
      const { store, clock, unitOfWork, pass } = await scheduling(bench);
      const other = bench.service(store, 'elsewhere', { clock });
      await unitOfWork.run(async (tx) => {
        tx.deliverAt('one', NOON + 1_000, aNewEvent(1, 'a'));
        tx.deliverAt('two', NOON + 1_001, aNewEvent(2, 'a'));
      });
      await other.unitOfWork.run(async (tx) => tx.deliverAt('one', NOON + 1_002, aNewEvent(3, 'a')));
      await other.unitOfWork.run(async (tx) => tx.cancel('two'));
      await pass(2_000, [1, 2, 3]);
    },
  ),
];
