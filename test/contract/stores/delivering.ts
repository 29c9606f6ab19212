import assert from 'node:assert/strict';
import { MessagingError, Reject } from '@waggle/kernel';
import type { Changes, OutboxMessage, Store } from '@waggle/messaging';
import { PARTITIONS } from '@waggle/messaging';
import type { Publish, Service } from './bench.ts';
import { aNewEvent, recordingPublisher } from './bench.ts';
import { storeCase } from './case.ts';

const signal = new AbortController().signal;
const KEYS = 12;

/** Publishes `count` events, numbered for each key, one transaction each. */
async function publishNumbered({ unitOfWork }: Service, count: number): Promise<void> {
  for (let n = 0; n < count; n++)
    await unitOfWork.run(async (tx) => tx.publish(aNewEvent(Math.floor(n / KEYS), `key-${n % KEYS}`)));
}

interface Came {
  readonly key: string | undefined;
  readonly data: unknown;
  readonly id: string;
}

/** The first comings of each key are in order, and nothing is missing. */
function assertComplete(came: readonly Came[], count: number): void {
  const first = new Map<string, Came>();
  for (const each of came) if (!first.has(each.id)) first.set(each.id, each);
  const byKey = Map.groupBy(first.values(), ({ key }) => key);
  for (const [key, all] of byKey)
    assert.deepEqual(
      all.map(({ data }) => data),
      all.map((_, index) => index),
      `first comings of ${key}`,
    );
  assert.equal(first.size, count);
}

async function isEmpty(store: Store): Promise<boolean> {
  return (await store.outbox({ after: 0, limit: 1 })).entries.length === 0;
}

/** A store whose outbox dies, once, as `when` says: the call is made or not, and never answers well. */
function dyingAt(store: Store, when: 'before-removal' | 'after-removal' | 'reading'): Store {
  const died = (): Promise<never> => Promise.reject(new MessagingError('unavailable', 'the process died'));
  return {
    ...store,
    outbox: (options) => (when === 'reading' ? died() : store.outbox(options)),
    async removeFromOutbox(positions) {
      if (when === 'after-removal') await store.removeFromOutbox(positions);
      return died();
    },
  };
}

export const deliveringCases = [
  storeCase(
    'N1',
    'the outbox gives what is asked for: of some partitions, behind a position, so many, oldest first',
    async (bench) => {
      const store = await bench.open();
      const given = Array.from({ length: 20 }, (_, n): OutboxMessage => ({
        kind: n % 3 ? 'event' : 'command',
        id: `${bench.namespace}-${20 - n}`,
        key: n % 2 ? `key-${n}` : undefined,
        partition: n % 4,
        body: `{"n":${n}}`,
      }));
      for (let n = 0; n < 20; n += 5)
        await store.commit('testing', { timeMs: Date.now(), outbox: given.slice(n, n + 5) });
      const { entries, head } = await store.outbox({ after: 0, limit: 100 });
      assert.deepEqual(
        entries.map(({ position: _, ...message }) => message),
        given,
      );
      const positions = entries.map(({ position }) => position);
      assert.deepEqual([positions, head], [positions.toSorted((a, b) => a - b), positions.at(-1)]);
      const after = positions[3] ?? 0;
      const wanted = entries.filter(
        ({ position, partition }) => position > after && [1, 3].includes(partition),
      );
      assert.deepEqual(await store.outbox({ after, limit: 4, partitions: [3, 1] }), {
        entries: wanted.slice(0, 4),
        head,
      });
      await store.removeFromOutbox([0, 7].map((n) => positions[n] ?? 0).concat(1_000_000));
      assert.deepEqual(
        (await store.outbox({ after: 0, limit: 100 })).entries,
        entries.filter((_, n) => n !== 0 && n !== 7),
      );
    },
  ),
  storeCase(
    'N1',
    'several relays share the partitions, keep the order of every key, and publish each message once',
    async (bench) => {
      const { came, publish } = recordingPublisher();
      const stores = [await bench.open(), await bench.open(), await bench.open()];
      for (const store of stores) bench.relay(store, publish);
      await publishNumbered(await bench.openService(), KEYS * 15);
      await bench.until(() => came.length >= KEYS * 15, 'every message');
      assertComplete(came, KEYS * 15);
      const [store] = stores;
      if (store !== undefined) await bench.until(() => isEmpty(store), 'an empty outbox');
      assert.equal(came.length, KEYS * 15, 'a message was published twice');
    },
  ),
  storeCase(
    'N1',
    'a message of a key is not on its way while an earlier one is unconfirmed, and others go on',
    async (bench) => {
      const store = await bench.open();
      const { unitOfWork } = bench.service(store);
      const underWay = new Map<string, number>();
      let most = 0;
      let refused = 3;
      const came: Came[] = [];
      const publish: Publish = async (batch) => {
        const keys = batch.map(({ message }) => String(message.partitionkey));
        for (const key of keys) {
          underWay.set(key, (underWay.get(key) ?? 0) + 1);
          most = Math.max(most, underWay.get(key) ?? 0);
        }
        await new Promise((resolve) => setImmediate(resolve));
        for (const key of keys) underWay.set(key, (underWay.get(key) ?? 0) - 1);
        return batch.map(({ message }) => {
          if (message.partitionkey === 'key-0' && refused-- > 0)
            return new MessagingError('unavailable', 'not now');
          came.push({ key: message.partitionkey, data: message.data, id: message.id });
          return undefined;
        });
      };
      await unitOfWork.run(async (tx) => {
        for (let n = 0; n < KEYS * 4; n++) tx.publish(aNewEvent(Math.floor(n / KEYS), `key-${n % KEYS}`));
      });
      bench.relay(store, publish);
      await bench.until(() => came.length >= KEYS * 4, 'every message');
      assert.equal(most, 1, 'messages of one key under way at one time');
      assertComplete(came, KEYS * 4);
      const waited = came.findIndex(({ key }) => key === 'key-0');
      assert.ok(waited >= (KEYS - 1) * 4, 'the key that failed held others up');
    },
  ),
  storeCase(
    'N2',
    'what a relay held that is gone without a word is taken over after its lease',
    async (bench) => {
      const dead = bench.closed();
      await dead.open();
      const nothing: Publish = () => new Promise(() => undefined);
      bench.relay(dead, nothing, { leaseMs: 600 });
      await publishNumbered(await bench.openService(), KEYS);
      const { came, publish } = recordingPublisher();
      const store = await bench.open();
      bench.relay(store, publish, { leaseMs: 600 });
      await dead.close();
      await bench.until(() => came.length >= KEYS, 'what the dead relay held');
      assertComplete(came, KEYS);
    },
  ),
  storeCase(
    'N3',
    'a message takes effect once for each consumer, whatever else has the same id',
    async (bench) => {
      const { store, unitOfWork } = await bench.openService();
      const ran: string[] = [];
      const handle = (consumer: string, messageId: string) =>
        unitOfWork.runOnce({ consumer, messageId, attempt: 1 }, signal, async (tx) => {
          ran.push(`${consumer} ${messageId}`);
          tx.publish(aNewEvent(1));
        });
      for (const consumer of ['a.b', 'c.d'])
        for (const id of ['m1', 'm2', 'm1', 'm1']) await handle(consumer, id);
      assert.deepEqual(ran, ['a.b m1', 'a.b m2', 'c.d m1', 'c.d m2']);
      assert.equal((await store.outbox({ after: 0, limit: 100 })).entries.length, 4);
    },
  ),
  storeCase(
    'N4',
    'thousands of messages that wait or were handled make neither the relay nor the inbox slow',
    async (bench) => {
      const { store } = await bench.openService();
      const timeOf = async (work: () => Promise<unknown>): Promise<number> => {
        const times: number[] = [];
        for (let run = 0; run < 7; run++) {
          const from = performance.now();
          await work();
          times.push(performance.now() - from);
        }
        return times.toSorted((a, b) => a - b)[3] ?? 0;
      };
      let turn = 0;
      const look = async () => {
        const id = `look-${turn++}`;
        const outbox = [{ kind: 'event' as const, id, key: id, partition: 1, body: '{}' }];
        await store.commit('testing', {
          timeMs: 1,
          outbox,
          inbox: { consumer: 'testing.listen', messageId: id },
        });
        const half = { limit: 100, partitions: [0, 1, 2, 3, 4, 5, 6, 7] };
        const { entries, head } = await store.outbox({ ...half, after: 0 });
        await store.outbox({ ...half, after: head - 1 });
        await store.removeFromOutbox(entries.slice(0, 1).map(({ position }) => position));
        await store.releaseDue(1, 100);
        await store.handled('testing.listen', 'm-50-17');
        await store.startHandling('testing.listen', 'm-50-18', 1);
      };
      await fill(store, 50);
      const few = await timeOf(look);
      await fill(store, 8_000);
      const many = await timeOf(look);
      assert.ok(many < few * 8 + 10, `${few.toFixed(2)} ms with few, ${many.toFixed(2)} ms with many`);
    },
  ),
  storeCase(
    'N5',
    'a relay that dies at any step is followed by one that publishes what is left, in order',
    async (bench) => {
      for (const when of ['reading', 'before-removal', 'after-removal'] as const) {
        const store = await bench.open();
        const { came, publish } = recordingPublisher();
        const relay = bench.relay(dyingAt(store, when), publish, { leaseMs: 600 });
        await publishNumbered(bench.service(store), KEYS * 2);
        if (when !== 'reading') await bench.until(() => came.length >= KEYS, 'a first attempt');
        await relay.stop(0).catch(() => undefined);
        const before = came.length;
        const next = bench.relay(store, publish, { leaseMs: 600 });
        await bench.until(() => isEmpty(store), `an empty outbox after dying at ${when}`);
        assertComplete(came, KEYS * 2);
        assert.ok(when === 'reading' ? before === 0 : before > 0);
        await next.stop(1_000);
      }
    },
  ),
  storeCase('N5', 'what was not confirmed stays in the outbox', async (bench) => {
    const store = await bench.open();
    const { unitOfWork } = bench.service(store);
    await unitOfWork.run(async (tx) => tx.publish(aNewEvent(1, 'a'), aNewEvent(2, 'b')));
    let asked = 0;
    const relay = bench.relay(store, async (batch) => {
      asked += batch.length;
      return batch.map(() => new MessagingError('timeout', 'no answer'));
    });
    await bench.until(() => asked >= 2, 'two attempts');
    assert.equal(await relay.stop(0), 2);
    assert.equal(await isEmpty(store), false);
  }),
  storeCase(
    'N6',
    'a message that ends the process that handles it is given up, one that fails is not',
    async (bench) => {
      const { store, unitOfWork } = await bench.openService();
      const receipt = { consumer: 'testing.listen', messageId: 'm1' };
      for (let attempt = 2; attempt <= 8; attempt++) {
        const failing = unitOfWork.runOnce({ ...receipt, attempt }, signal, () =>
          Promise.reject(new Error('again')),
        );
        await assert.rejects(failing, /again/);
      }
      const crashing = { ...receipt, messageId: 'm2' };
      for (let crash = 0; crash < 3; crash++)
        await store.startHandling(crashing.consumer, crashing.messageId, Date.now());
      const handled: number[] = [];
      const handling = unitOfWork.runOnce(
        { ...crashing, attempt: 5 },
        signal,
        async () => void handled.push(5),
      );
      await assert.rejects(
        handling,
        (error) => error instanceof Reject && /ended with its process/.test(error.message),
      );
      assert.deepEqual(handled, []);
      const ran: number[] = [];
      for (const [attempt, expected] of [
        [9, 'done'],
        [10, 'duplicate'],
      ] as const) {
        const work = async (): Promise<void> => void ran.push(attempt);
        assert.equal(await unitOfWork.runOnce({ ...receipt, attempt }, signal, work), expected);
      }
      assert.deepEqual(ran, [9]);
    },
  ),
  storeCase('N7', 'what was handled before a time is forgotten, the rest is still known', async (bench) => {
    const { store } = await bench.openService();
    const inbox = (messageId: string, timeMs: number): Changes => ({
      timeMs,
      inbox: { consumer: 'testing.listen', messageId },
    });
    for (let n = 1; n <= 20; n++) await store.commit('testing', inbox(`m${n}`, n * 1_000));
    await store.forgetHandled(10_000);
    for (let n = 1; n <= 20; n++)
      assert.equal(await store.handled('testing.listen', `m${n}`), n >= 10, `message ${n}`);
    assert.deepEqual(await store.commit('testing', inbox('m15', 1)), { outcome: 'duplicate' });
    assert.equal((await store.commit('testing', inbox('m1', 1))).outcome, 'committed');
  }),
];

/** Puts so many messages into outbox and inbox, as quickly as the store can. */
async function fill(store: Store, count: number): Promise<void> {
  const body = JSON.stringify({ text: 'x'.repeat(200) });
  for (let from = 0; from < count; from += 1_000) {
    const size = Math.min(1_000, count - from);
    const outbox = Array.from({ length: size }, (_, index) => {
      const id = `${count}-${from + index}`;
      return { kind: 'event' as const, id, key: id, partition: index % PARTITIONS, body };
    });
    await store.commit('testing', { timeMs: 0, outbox });
  }
  const ids = Array.from({ length: Math.min(count, 2_000) }, (_, index) => `m-${count}-${index}`);
  await Promise.all(
    ids.map((messageId) =>
      store.commit('testing', { timeMs: 0, inbox: { consumer: 'testing.listen', messageId } }),
    ),
  );
}
