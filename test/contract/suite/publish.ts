import assert from 'node:assert/strict';
import { contractCase } from './case.ts';
import { all, eventsOf } from './collector.ts';
import { rejection } from './expectations.ts';
import { hook } from './harness.ts';
import { command, CONTEXT, event, events, ids, raw } from './messages.ts';

export const publishCases = [
  contractCase('J1', 'what was published is held by the broker when publish resolves', async (bench) => {
    const [publisher, witness] = await Promise.all([bench.open(), bench.open()]);
    const sent: string[] = [];
    for (let round = 0; round < 10; round++) {
      const batch = events(3);
      await publisher.messaging.events.publish(...batch);
      sent.push(...batch.map(({ id }) => id));
      const read = (await eventsOf(witness.messaging.events.read())).map(({ id }) => id);
      assert.deepEqual(read.toSorted(), sent.toSorted());
    }
  }),

  contractCase('J1', 'what was sent counts in the queue when send resolves', async (bench) => {
    const { driver, messaging } = await bench.open();
    await messaging.queue.declare(CONTEXT);
    for (let count = 1; count <= 5; count++) {
      await messaging.queue.send(command({ partitionkey: `key-${count}` }));
      assert.equal(await driver.lag({ kind: 'queue', context: CONTEXT }), count);
    }
  }),

  contractCase('J1', 'publishing nothing resolves', async (bench) => {
    const { driver, messaging } = await bench.open();
    await messaging.events.publish();
    await messaging.queue.send();
    assert.deepEqual(await driver.publish([]), []);
  }),

  contractCase('J2', 'a command for a queue that nobody declared is unroutable', async (bench) => {
    const { messaging } = await bench.open();
    const sent = command();
    const error = await rejection(messaging.queue.send(sent), 'unroutable');
    assert.deepEqual(
      error.failed.map(({ id, error: { code } }) => [id, code]),
      [[sent.id, 'unroutable']],
    );
    await messaging.queue.declare(CONTEXT);
    await messaging.queue.send(command({ partitionkey: 'a' }));
  }),

  contractCase('J2', 'a message for a group that nobody declared is unroutable', async (bench) => {
    const driver = await bench.openDriver();
    const to = { kind: 'group', group: 'tester.unknown' } as const;
    const outcomes = await driver.publish([raw({ to }), raw({ to, lane: 1 }), raw()]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome?.code),
      ['unroutable', 'unroutable', undefined],
    );
  }),

  contractCase('J2', 'an event that may not be published is denied', async (bench) => {
    const restricted = await hook(bench.harness, 'restricted')();
    bench.atEnd(() => restricted.close());
    const { driver, messaging } = await bench.open({ from: { driver: restricted.publisher } });
    const sent = [event(), event({ partitionkey: 'a' })];
    const error = await rejection(bench.within(messaging.events.publish(...sent), 'the refusal'), 'denied');
    assert.equal(error.retryable, false);
    assert.deepEqual(ids(error.failed), ids(sent));
    assert.equal(driver.status, 'open');
    assert.deepEqual(await all(messaging.events.read()), []);
  }),

  contractCase(
    'J2',
    'a confirmation that does not come in time is an error, and the connection can be used again',
    async (bench) => {
      const settings = { requestTimeoutMs: 2_000 };
      const sent = events(3);
      if (bench.harness.declares['never-late'] !== undefined) {
        // It cannot be late: the confirmation comes without leaving the process.
        const { messaging } = await bench.open({ settings });
        await messaging.events.publish(...sent);
        return;
      }
      const link = await hook(bench.harness, 'link')();
      bench.atEnd(() => link.close());
      const { messaging } = await bench.open({ settings, from: link });
      await messaging.events.publish(event());
      link.stall();
      const error = await rejection(
        bench.within(messaging.events.publish(...sent), 'the refusal'),
        'timeout',
      );
      assert.equal(error.retryable, true);
      assert.deepEqual(ids(error.failed), ids(sent));
      link.resume();
      const again = () =>
        messaging.events.publish(event()).then(
          () => true,
          () => false,
        );
      await bench.eventually(again, (published) => published, 'a publish that works again');
    },
  ),

  contractCase(
    'J3',
    'of a batch each event that failed is reported, and the others are stored',
    async (bench) => {
      const { messaging } = await bench.open({ settings: { maxMessageBytes: 5_000 } });
      const tooLarge = { data: 'x'.repeat(5_000) };
      const sent = [
        event(),
        event(tooLarge),
        event({ partitionkey: 'a' }),
        event({ ...tooLarge, partitionkey: 'a' }),
        event({ type: 'No Type' }),
      ];
      const error = await rejection(messaging.events.publish(...sent), 'too-large');
      const codes = error.failed.map(({ id, error: { code } }) => [
        sent.findIndex((message) => message.id === id),
        code,
      ]);
      assert.deepEqual(codes, [
        [1, 'too-large'],
        [3, 'too-large'],
        [4, 'invalid'],
      ]);
      const read = await eventsOf(messaging.events.read());
      assert.deepEqual(ids(read), ids(sent.filter((_, index) => index === 0 || index === 2)));
    },
  ),

  contractCase('J3', 'of commands for several queues those without a queue are reported', async (bench) => {
    const { driver, messaging } = await bench.open();
    await messaging.queue.declare(CONTEXT);
    const lost = ['nowhere', 'elsewhere'].map((context) => command({ type: `${context}.do-thing.v1` }));
    const error = await rejection(
      messaging.queue.send(command(), ...lost, command({ partitionkey: 'a' })),
      'unroutable',
    );
    assert.deepEqual(
      error.failed.map(({ id, error: { code } }) => [id, code]),
      lost.map(({ id }) => [id, 'unroutable']),
    );
    assert.equal(await driver.lag({ kind: 'queue', context: CONTEXT }), 2);
  }),
];
