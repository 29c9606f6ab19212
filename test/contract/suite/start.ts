import assert from 'node:assert/strict';
import { contractCase } from './case.ts';
import { all } from './collector.ts';
import { rejection } from './expectations.ts';
import { hook } from './harness.ts';
import { event, ids } from './messages.ts';

const TOO_LONG_MS = 600_000;

export const startCases = [
  contractCase('A1', 'what was opened works, and says that it is open until it is closed', async (bench) => {
    const { driver, messaging } = bench.member();
    assert.equal(driver.status, 'new');
    await messaging.open();
    assert.deepEqual([driver.status, messaging.status], ['open', 'open']);
    const sent = event();
    await messaging.events.publish(sent);
    const read = [];
    for await (const recorded of messaging.events.read()) read.push(recorded.event);
    assert.deepEqual(ids(read), [sent.id]);
    await messaging.close();
    assert.deepEqual([driver.status, messaging.status], ['closed', 'closed']);
  }),

  contractCase('A1', 'many processes may open the same new namespace at once', async (bench) => {
    const members = Array.from({ length: 4 }, () => bench.member());
    await Promise.all(members.map(({ messaging }) => messaging.open()));
    await Promise.all(members.map(({ messaging }) => messaging.events.publish(event())));
    const { messaging } = await bench.open();
    const read = await all(messaging.events.read());
    assert.equal(read.length, members.length);
  }),

  contractCase(
    'A3',
    'closing what was never opened resolves, and it cannot be opened afterwards',
    async (bench) => {
      const { driver, messaging } = bench.member();
      await messaging.close();
      assert.equal(driver.status, 'closed');
      await rejection(messaging.open(), 'closed');
    },
  ),

  contractCase(
    'A3',
    'what is not open yet refuses to work, and can be opened all the same',
    async (bench) => {
      const { messaging } = bench.member();
      await rejection(messaging.events.publish(event()), 'closed');
      await rejection(messaging.queue.declare('testing'), 'closed');
      await messaging.open();
      await messaging.events.publish(event());
    },
  ),

  contractCase('A5', 'an aborted signal keeps it from opening, and is the reason', async (bench) => {
    const { driver, messaging } = bench.member();
    const reason = new Error('changed my mind');
    await assert.rejects(messaging.open({ waitMs: TOO_LONG_MS, signal: AbortSignal.abort(reason) }), reason);
    assert.notEqual(driver.status, 'open');
    await rejection(messaging.events.publish(event()), 'closed');
  }),

  contractCase('A5', 'a signal that aborts while it waits for the server ends the waiting', async (bench) => {
    const abort = new AbortController();
    const reason = new Error('changed my mind');
    const link = await hook(bench.harness, 'link')();
    bench.atEnd(() => link.close());
    await link.cut();
    const { driver, messaging } = bench.member({ from: link });
    const opening = messaging.open({ waitMs: TOO_LONG_MS, signal: abort.signal });
    opening.catch(() => undefined);
    await bench.within(link.attempted(), 'an attempt to connect');
    abort.abort(reason);
    await assert.rejects(bench.within(opening, 'open to give up'), reason);
    assert.notEqual(driver.status, 'open');
  }),

  contractCase(
    'A5',
    'a reader whose signal aborts ends without an error, before and while it waits',
    async (bench) => {
      const { messaging } = await bench.open();
      const sent = event();
      await messaging.events.publish(sent);
      const aborted = messaging.events.read({ follow: true, signal: AbortSignal.abort() });
      assert.deepEqual(await bench.within(all(aborted), 'the aborted reader'), []);

      const abort = new AbortController();
      const reading = messaging.events.read({ follow: true, signal: abort.signal })[Symbol.asyncIterator]();
      const first = await bench.within(reading.next(), 'the first event');
      assert.equal(first.value?.event.id, sent.id);
      const waiting = reading.next();
      abort.abort();
      assert.equal((await bench.within(waiting, 'the reader to end')).done, true);
    },
  ),

  contractCase(
    'A7',
    'a server that is down fails the opening at once, and a later one can succeed',
    async (bench) => {
      const link = await hook(bench.harness, 'link')();
      bench.atEnd(() => link.close());
      const { driver, messaging } = bench.member({ from: link });
      for (const how of ['refuse', 'reset'] as const) {
        await link.cut(how);
        const error = await rejection(bench.within(messaging.open(), 'the refusal'), 'unavailable');
        assert.equal(error.retryable, true);
        assert.equal(driver.status, 'new');
        await link.restore();
      }
      await messaging.open();
      assert.equal(driver.status, 'open');
    },
  ),

  contractCase('A7', 'a server that stays down fails the opening when the waiting is over', async (bench) => {
    const link = await hook(bench.harness, 'link')();
    bench.atEnd(() => link.close());
    await link.cut();
    const { messaging } = bench.member({ from: link });
    const startedAt = performance.now();
    await rejection(bench.within(messaging.open({ waitMs: 500 }), 'the refusal'), 'unavailable');
    assert.ok(performance.now() - startedAt >= 490, 'gave up before the time was over');
  }),

  contractCase('A7', 'with a time to wait it opens as soon as the server is there', async (bench) => {
    const link = await hook(bench.harness, 'link')();
    bench.atEnd(() => link.close());
    await link.cut();
    const { driver, messaging } = bench.member({ from: link });
    const opening = messaging.open({ waitMs: TOO_LONG_MS });
    opening.catch(() => undefined);
    await bench.within(link.attempted(), 'an attempt to connect');
    await link.restore();
    await bench.within(opening, 'open to succeed');
    assert.equal(driver.status, 'open');
    await messaging.events.publish(event());
  }),
];
