import assert from 'node:assert/strict';
import { LANES } from './bench.ts';
import type { Bench, Handled } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { eventsOf, gate } from './collector.ts';
import { assertNoAttemptLost } from './expectations.ts';
import { command, CONTEXT, event, events, ids, keysOfEveryLane } from './messages.ts';

/** One event for every lane. */
const oneEach = () => keysOfEveryLane(LANES).map((partitionkey) => event({ partitionkey }));
/** So long that nobody is helped by its end. */
const longLease = ({ deadlineMs }: Bench) => ({ leaseMs: 2 * deadlineMs });

export const drainCases = [
  ...bothOrderings(
    'I1',
    'what is being handled when a drain begins is finished and counted, and nothing else begins',
    async (bench, ordering) => {
      const settings = longLease(bench);
      const [leaving, staying] = await Promise.all([bench.open({ settings }), bench.open({ settings })]);
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const finished = bench.collector<Handled>();
      const consumer = await bench.subscribe(leaving, { ordering }, finished, () => busy.opened, 'leaving');
      const sent = oneEach();
      await staying.messaging.events.publish(...sent);
      await finished.count(LANES);
      const draining = consumer.drain(bench.deadlineMs);
      const later = oneEach();
      await staying.messaging.events.publish(...later);
      busy.open();
      assert.deepEqual(await draining, { finished: LANES, abandoned: [] });
      const handled = bench.collector<Handled>();
      await bench.subscribe(staying, { ordering }, handled, undefined, 'staying');
      await handled.count(LANES);
      await bench.settled(staying);
      assert.deepEqual([ids(finished.items), ids(handled.items)], [ids(sent), ids(later)]);
    },
  ),

  ...bothOrderings(
    'I2',
    'what had not begun when a drain begins goes to another member at once, and has lost no attempt',
    async (bench, ordering) => {
      const settings = longLease(bench);
      const [leaving, staying] = await Promise.all([bench.open({ settings }), bench.open({ settings })]);
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const started = bench.collector<Handled>();
      const one = { ordering, concurrency: 1 };
      const consumer = await bench.subscribe(leaving, one, started, () => busy.opened, 'leaving');
      const sent = oneEach();
      await staying.messaging.events.publish(...sent);
      await started.count(1);
      const draining = consumer.drain(bench.deadlineMs);
      const handled = bench.collector<Handled>();
      await bench.subscribe(staying, { ordering }, handled, undefined, 'staying');
      await handled.count(LANES - 1);
      busy.open(); // only now is the first one done
      assert.deepEqual(await draining, { finished: 1, abandoned: [] });
      await bench.settled(staying);
      assert.deepEqual(ids([...started.items, ...handled.items]), ids(sent));
      assertNoAttemptLost(bench.harness, handled.items);
    },
  ),

  contractCase(
    'I3',
    'what is being published when a process closes is stored before it is gone',
    async (bench) => {
      const [leaving, staying] = await Promise.all([bench.open(), bench.open()]);
      await staying.messaging.queue.declare(CONTEXT);
      const sent = events(200);
      const commands = sent.slice(0, 50).map(() => command({ partitionkey: 'a' }));
      const publishing = [
        ...sent.map((each) => leaving.messaging.events.publish(each)),
        ...commands.map((each) => leaving.messaging.queue.send(each)),
      ];
      const published = Promise.all(publishing);
      published.catch(() => undefined); // told when it is awaited
      await leaving.messaging.close();
      await bench.within(published, 'what was being published');
      assert.deepEqual(ids(await eventsOf(staying.messaging.events.read())), ids(sent));
      assert.equal(await staying.driver.lag({ kind: 'queue', context: CONTEXT }), commands.length);
    },
  ),

  ...bothOrderings(
    'I4',
    'what is cut off at the end of the budget is told so, reported, and handled again elsewhere at once',
    async (bench, ordering) => {
      const settings = longLease(bench);
      const [leaving, staying] = await Promise.all([bench.open({ settings }), bench.open({ settings })]);
      const stuck = gate();
      bench.atEnd(async () => stuck.open());
      const started = bench.collector<Handled>();
      const told = bench.collector<string>();
      const sent = [event({ partitionkey: 'a' }), event({ partitionkey: 'a' })];
      const [stubborn] = sent;
      await bench.subscribe(leaving, { ordering }, started, async ({ id }, { signal }) => {
        signal.addEventListener('abort', () => told.add(id), { once: true });
        await stuck.opened;
      });
      await staying.messaging.events.publish(...sent);
      const running = ordering === 'none' ? sent : sent.slice(0, 1);
      await started.count(running.length);
      const report = await leaving.messaging.drain(50);
      assert.deepEqual([report.finished, report.abandoned.toSorted()], [0, ids(running)]);
      assert.deepEqual(told.items.toSorted(), ids(running));
      const handled = bench.collector<Handled>();
      await bench.subscribe(staying, { ordering }, handled, undefined, 'staying');
      await handled.count(sent.length);
      stuck.open(); // too late: what it says now does not count
      await bench.settled(staying);
      assert.deepEqual(ids(handled.items), ids(sent));
      assert.equal(handled.items.find(({ id }) => id === stubborn?.id)?.attempt, 2);
    },
  ),

  ...bothOrderings('I5', 'draining twice is one drain, also after a pause', async (bench, ordering) => {
    const [leaving, staying] = await Promise.all([bench.open(), bench.open()]);
    const busy = gate();
    bench.atEnd(async () => busy.open());
    const started = bench.collector<Handled>();
    const consumer = await bench.subscribe(leaving, { ordering }, started, () => busy.opened, 'leaving');
    await staying.messaging.events.publish(event({ partitionkey: 'a' }));
    await started.count(1);
    consumer.pause();
    const first = consumer.drain(bench.deadlineMs);
    const second = consumer.drain(0); // does not cut off what the first waits for
    consumer.resume(); // too late
    const third = leaving.messaging.drain(0);
    busy.open();
    const report = { finished: 1, abandoned: [] };
    assert.deepEqual(await Promise.all([first, second, third]), [report, report, report]);
    assert.deepEqual(await consumer.drain(1_000), report);
    const handled = bench.collector<Handled>();
    await bench.subscribe(staying, { ordering }, handled, undefined, 'staying');
    const sent = oneEach();
    await leaving.messaging.events.publish(...sent);
    await handled.count(sent.length);
    await bench.settled(staying);
    assert.deepEqual([started.items.length, ids(handled.items)], [1, ids(sent)]);
    await leaving.messaging.close();
  }),

  contractCase(
    'I6',
    'while consumers drain everything else goes on: publishing, sending, reading',
    async (bench) => {
      const { messaging, driver } = await bench.open();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const started = bench.collector<Handled>();
      await bench.subscribe({ messaging, driver }, {}, started, () => busy.opened);
      await messaging.queue.receive({ context: CONTEXT }, async () => undefined);
      const sent = [event()];
      await messaging.events.publish(...sent);
      await started.count(1);
      const draining = messaging.drain(bench.deadlineMs);
      const meanwhile = events(8);
      await messaging.events.publish(...meanwhile);
      await messaging.queue.send(command());
      assert.deepEqual(ids(await eventsOf(messaging.events.read())), ids([...sent, ...meanwhile]));
      assert.equal(driver.status, 'open');
      busy.open();
      assert.deepEqual(await draining, { finished: 1, abandoned: [] });
    },
  ),
];
