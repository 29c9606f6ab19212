import assert from 'node:assert/strict';
import { bothOrderings, contractCase } from './case.ts';
import { all } from './collector.ts';
import { rejection } from './expectations.ts';
import { command, CONTEXT, event, events, EVENT_TYPE, GROUP, ids, raw } from './messages.ts';
import type { Handled } from './bench.ts';

const nobody = async (): Promise<void> => undefined;

export const lifecycleCases = [
  contractCase('A2', 'closing twice is closing once', async (bench) => {
    const { driver, messaging } = await bench.open();
    await messaging.close();
    await messaging.close();
    await driver.close();
    assert.equal(driver.status, 'closed');
    await rejection(messaging.open(), 'closed');
  }),

  contractCase('A4', 'after close every port refuses with "closed"', async (bench) => {
    const { messaging } = await bench.open();
    await messaging.close();
    const { events: stream, queue, deadLetters } = messaging;
    await rejection(stream.publish(event()), 'closed');
    await rejection(stream.subscribe({ group: GROUP, types: [EVENT_TYPE] }, nobody), 'closed');
    await rejection(all(stream.read()), 'closed');
    await rejection(queue.declare(CONTEXT), 'closed');
    await rejection(queue.send(command()), 'closed');
    await rejection(queue.receive({ context: CONTEXT }, nobody), 'closed');
    await rejection(deadLetters.list(), 'closed');
  }),

  contractCase('A4', 'after close every method of the driver refuses with "closed"', async (bench) => {
    const driver = await bench.openDriver();
    await driver.declare({ queues: [CONTEXT] });
    await driver.close();
    const source = { kind: 'queue', context: CONTEXT } as const;
    const outcomes = await driver.publish([raw(), raw({ to: source })]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome?.code),
      ['closed', 'closed'],
    );
    await rejection(driver.open(), 'closed');
    await rejection(driver.declare({ queues: [CONTEXT] }), 'closed');
    await rejection(
      driver.consume({ source, ordering: 'by-key', concurrency: 1 }, () => undefined),
      'closed',
    );
    await rejection(all(driver.read({ kind: 'stream' }, { from: 'beginning', follow: false })), 'closed');
    await rejection(driver.lag(source), 'closed');
    await rejection(driver.describe(), 'closed');
  }),

  contractCase('A4', 'a reader that waits when its driver is closed ends', async (bench) => {
    const { messaging } = await bench.open();
    await messaging.events.publish(event());
    const reading = messaging.events.read({ follow: true })[Symbol.asyncIterator]();
    await bench.within(reading.next(), 'the first event');
    const waiting = reading.next().then(
      ({ done }) => (done === true ? 'ended' : 'went on'),
      () => 'ended',
    );
    await messaging.close();
    assert.equal(await bench.within(waiting, 'the reader to end'), 'ended');
  }),

  contractCase('A6', 'closing many times at once, while it works, is closing once', async (bench) => {
    const { driver, messaging } = await bench.open();
    const handled = bench.collector<Handled>();
    await bench.subscribe({ driver, messaging }, { ordering: 'none' }, handled);
    const publishing = messaging.events.publish(...events(20)).then(
      () => 'settled',
      () => 'settled',
    );
    const closing = [messaging.close(), driver.close(), messaging.close(), driver.close()];
    await bench.within(Promise.all(closing), 'all to be closed');
    assert.equal(await bench.within(publishing, 'the publishing to end'), 'settled');
    assert.equal(driver.status, 'closed');
    await rejection(messaging.events.publish(event()), 'closed');
  }),

  contractCase('A6', 'closing while it opens leaves it closed', async (bench) => {
    const { driver, messaging } = bench.member();
    const opening = messaging.open().then(
      () => 'settled',
      () => 'settled',
    );
    await bench.within(messaging.close(), 'close');
    assert.equal(await bench.within(opening, 'the opening to end'), 'settled');
    assert.equal(driver.status, 'closed');
    await rejection(messaging.events.publish(event()), 'closed');
  }),

  ...bothOrderings(
    'A8',
    'a group goes on where it was when its process is started again',
    async (bench, ordering) => {
      const first = await bench.open();
      const before = events(6);
      const handledBefore = bench.collector<Handled>();
      await bench.subscribe(first, { ordering }, handledBefore);
      await first.messaging.events.publish(...before);
      await handledBefore.count(before.length);
      await bench.settled(first);
      await first.messaging.close();

      const elsewhere = await bench.open();
      const between = events(6);
      await elsewhere.messaging.events.publish(...between);

      const second = await bench.open();
      const handledAfter = bench.collector<Handled>();
      await bench.subscribe(second, { ordering }, handledAfter);
      const after = events(6);
      await second.messaging.events.publish(...after);
      await handledAfter.count(between.length + after.length);
      await bench.settled(second);
      assert.deepEqual(ids(handledAfter.items), ids([...between, ...after]));
      assert.ok(handledAfter.items.every(({ attempt }) => attempt === 1));
    },
  ),
];
