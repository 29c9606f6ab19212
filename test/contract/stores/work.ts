import assert from 'node:assert/strict';
import type { Collection, StorePosition, Transaction } from '@waggle/kernel';
import { checkpoints } from '@waggle/messaging';
import { gate } from '../suite/collector.ts';
import { rejection } from '../suite/expectations.ts';
import type { Service } from './bench.ts';
import { aNewEvent, numbered } from './bench.ts';
import { storeCase } from './case.ts';

const position = (n: number): StorePosition => `e${n}` as StorePosition;
const signal = new AbortController().signal;
const receipt = { consumer: 'testing.listen', messageId: 'm1', attempt: 1 };

/** Everything that one unit of work can write, as it is afterwards. */
async function stateOf({ store, events, unitOfWork }: Service) {
  const { entries } = await store.outbox({ after: 0, limit: 100 });
  return {
    streams: [(await events.read('order-1')).length, (await events.read('order-2')).length],
    documents: await unitOfWork.run((tx) => tx.collection('things').list()),
    outbox: entries.length,
    handled: await store.handled(receipt.consumer, receipt.messageId),
    due: (await store.releaseDue(0, 10)).nextMs,
  };
}

const NOTHING = { streams: [0, 0], documents: [], outbox: 0, handled: false, due: undefined };

function increment({ unitOfWork }: Service): Promise<void> {
  return unitOfWork.run(async (tx) => {
    const counters = tx.collection<number>('counters');
    counters.put('n', ((await counters.get('n')) ?? 0) + 1);
  });
}

export const workCases = [
  storeCase(
    'M17',
    'a checkpoint moves only from where it is, and only by the latest holder',
    async (bench) => {
      const { unitOfWork } = await bench.openService();
      const move = (from: number | undefined, to: number, epoch: number) =>
        unitOfWork.run((tx) =>
          checkpoints.advance(tx, 'view', {
            from: from === undefined ? undefined : position(from),
            to: position(to),
            epoch,
          }),
        );
      await rejection(move(3, 4, 1), 'conflict');
      await move(undefined, 5, 1);
      await rejection(move(undefined, 6, 1), 'conflict');
      await move(5, 7, 2);
      await rejection(move(7, 8, 1), 'conflict');
      assert.deepEqual(await unitOfWork.run((tx) => checkpoints.get(tx, 'view')), {
        position: position(7),
        epoch: 2,
      });
      assert.deepEqual(await unitOfWork.run((tx) => checkpoints.get(tx, 'other')), {
        position: undefined,
        epoch: 0,
      });
    },
  ),
  storeCase(
    'M17',
    'of many that move a checkpoint from one place one succeeds, with what it wrote',
    async (bench) => {
      const one = await bench.openService();
      const other = await bench.openService();
      const moves = Array.from({ length: 8 }, (_, mover) =>
        (mover % 2 ? one : other).unitOfWork.run(async (tx) => {
          tx.collection('views').delete('v');
          await checkpoints.advance(tx, 'view', { from: undefined, to: position(mover + 1), epoch: 1 });
          tx.collection('movers').put(String(mover), mover);
        }),
      );
      const outcomes = await Promise.allSettled(moves);
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      const movers = await one.unitOfWork.run((tx) => tx.collection('movers').list());
      const winner = await one.unitOfWork.run((tx) => checkpoints.get(tx, 'view'));
      assert.deepEqual(
        movers.map((mover) => position(Number(mover) + 1)),
        [winner.position],
      );
    },
  ),
  storeCase('M19', 'everything that a unit of work writes is there afterwards', async (bench) => {
    const service = await bench.openService();
    const dueMs = Date.now() + 3_600_000;
    await service.unitOfWork.runOnce(receipt, signal, async (tx) => {
      tx.stream('order-1').append(numbered(2), 'no-stream');
      tx.stream('order-2').append(numbered(1), 'any');
      tx.collection('things').put('a', { n: 1 });
      tx.publish(aNewEvent(1, 'a'), aNewEvent(2));
      tx.deliverAt('later', dueMs, aNewEvent(3));
    });
    assert.deepEqual(await stateOf(service), {
      streams: [2, 1],
      documents: [{ n: 1 }],
      outbox: 2,
      handled: true,
      due: dueMs,
    });
  }),
  storeCase(
    'M19',
    'nothing of it is there when its work fails, loses a race, is too late, or was done before',
    async (bench) => {
      const service = await bench.openService();
      const other = await bench.openService();
      const late = new AbortController();
      const writeAll = (tx: Transaction): void => {
        tx.stream('order-1').append(numbered(1), 'any');
        tx.stream('order-2').append(numbered(1), 'no-stream');
        tx.collection('things').put('a', 1);
        tx.publish(aNewEvent(1));
        tx.deliverAt('later', Date.now() + 3_600_000, aNewEvent(3));
      };
      const attempt = (then: () => Promise<void>, abortable: AbortSignal = signal) =>
        service.unitOfWork.runOnce(receipt, abortable, async (tx) => {
          writeAll(tx);
          await then();
        });
      await assert.rejects(
        attempt(() => Promise.reject(new Error('the work failed'))),
        /the work failed/,
      );
      await assert.rejects(
        attempt(async () => late.abort(new Error('given up')), late.signal),
        /given up/,
      );
      assert.deepEqual(await stateOf(service), NOTHING);
      let effects = 0;
      const twice = [service, other].map(({ unitOfWork }) =>
        unitOfWork.runOnce(receipt, signal, async (tx) => {
          effects++;
          tx.publish(aNewEvent(1));
        }),
      );
      assert.deepEqual((await Promise.all(twice)).toSorted(), ['done', 'duplicate']);
      assert.equal(await attempt(async () => undefined), 'duplicate');
      assert.ok(effects >= 1);
      assert.deepEqual(await stateOf(service), { ...NOTHING, outbox: 1, handled: true });
      const beforehand = { ...receipt, messageId: 'm2' };
      await other.events.append('order-2', numbered(1), 'no-stream');
      const lost = service.unitOfWork.runOnce(beforehand, signal, async (tx) => writeAll(tx));
      await rejection(lost, 'conflict');
      assert.deepEqual(await stateOf(service), { ...NOTHING, streams: [0, 1], outbox: 1, handled: true });
      assert.equal(await service.store.handled(beforehand.consumer, beforehand.messageId), false);
    },
  ),
  storeCase(
    'M19',
    'an append that is made again with its ids writes nothing else again either',
    async (bench) => {
      const service = await bench.openService();
      const event = { id: `${bench.namespace}-1`, type: 't', data: 1 };
      const work = () =>
        service.unitOfWork.run(async (tx) => {
          tx.stream('order-1').append([event], 0);
          tx.publish(aNewEvent(1));
        });
      await work();
      await work();
      assert.deepEqual(await stateOf(service), { ...NOTHING, streams: [1, 0], outbox: 1 });
    },
  ),
  storeCase('M20', 'increments that race are all counted, in one process and in several', async (bench) => {
    const services = [await bench.openService(), await bench.openService()];
    for (let turn = 0; turn < 5; turn++) await Promise.all(services.map(increment));
    const [one] = services;
    assert.equal(await one?.unitOfWork.run((tx) => tx.collection('counters').get('n')), 10);
  }),
  storeCase(
    'M20',
    'a document that was never read, or was changed or removed since, is not overwritten',
    async (bench) => {
      const { unitOfWork } = await bench.openService();
      await unitOfWork.run(async (tx) => tx.collection('things').put('a', 'theirs'));
      await rejection(
        unitOfWork.run(async (tx) => tx.collection('things').put('a', 'mine')),
        'conflict',
      );
      for (const change of ['put', 'delete'] as const) {
        const read = gate();
        const changed = gate();
        let tries = 0;
        const slow = unitOfWork.run(async (tx) => {
          tries++;
          const things = tx.collection<string>('things');
          const before = await things.get('a');
          read.open();
          await changed.opened;
          things.put('a', `${before ?? 'nothing'} seen`);
        });
        await read.opened;
        await unitOfWork.run(async (tx) => {
          const things = tx.collection<string>('things');
          await things.get('a');
          if (change === 'put') things.put('a', 'meanwhile');
          else things.delete('a');
        });
        changed.open();
        await slow;
        assert.equal(tries, 2);
        const expected = change === 'put' ? 'meanwhile seen' : 'nothing seen';
        assert.equal(await unitOfWork.run((tx) => tx.collection('things').get('a')), expected);
      }
    },
  ),
  storeCase('M20', 'a document that was removed and put again is another one', async (bench) => {
    const { unitOfWork } = await bench.openService();
    const change = (work: (things: Collection<string>) => void) =>
      unitOfWork.run(async (tx) => {
        const things = tx.collection<string>('things');
        await things.get('a');
        work(things);
      });
    await change((things) => things.put('a', 'first'));
    let tries = 0;
    await unitOfWork.run(async (tx) => {
      const things = tx.collection<string>('things');
      const seen = await things.get('a');
      if (++tries === 1) {
        await change((meanwhile) => meanwhile.delete('a'));
        await change((meanwhile) => meanwhile.put('a', 'second'));
      }
      things.put('a', `${seen} and more`);
    });
    assert.deepEqual(
      [tries, await unitOfWork.run((tx) => tx.collection('things').get('a'))],
      [2, 'second and more'],
    );
  }),
  storeCase(
    'M20',
    'documents are listed in the order in which they were first put, and what was removed is gone',
    async (bench) => {
      const { unitOfWork } = await bench.openService();
      const put = (id: string, value: number) =>
        unitOfWork.run(async (tx) => {
          const things = tx.collection<number>('things');
          await things.get(id);
          things.put(id, value);
        });
      const list = () => unitOfWork.run((tx) => tx.collection<number>('things').list());
      for (const [id, value] of Object.entries({ c: 1, a: 2, b: 3 })) await put(id, value);
      await put('c', 4);
      assert.deepEqual(await list(), [4, 2, 3]);
      await unitOfWork.run(async (tx) => {
        tx.collection('things').delete('a');
        tx.collection('things').delete('never there');
        assert.deepEqual(await tx.collection('things').list(), [4, 3]);
        assert.equal(await tx.collection('things').get('a'), undefined);
      });
      assert.deepEqual(await list(), [4, 3]);
      await put('a', 5);
      assert.deepEqual(await list(), [4, 3, 5]);
    },
  ),
];
