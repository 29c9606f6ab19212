import assert from 'node:assert/strict';
import { bothOrderings } from './case.ts';
import type { Handled } from './bench.ts';
import { hook } from './harness.ts';
import { event, events, ids } from './messages.ts';

export const reconnectCases = [
  ...bothOrderings(
    'H1',
    'after its connection was dropped a process publishes, handles and reads on by itself',
    async (bench, ordering) => {
      const link = await hook(bench.harness, 'link')();
      bench.atEnd(() => link.close());
      const { limits } = bench.harness;
      const member = await bench.open({ from: link, settings: { leaseMs: limits.leaseMs } });
      const { messaging } = member;
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering }, handled);
      const sent = [event()];
      await messaging.events.publish(...sent);
      await handled.count(1);
      const reading = messaging.events.read({ follow: true })[Symbol.asyncIterator]();
      const read = new Set([(await bench.within(reading.next(), 'the first event')).value?.event.id]);
      for (let round = 0; round < 3; round++) {
        link.dropConnections();
        const later = events(8);
        sent.push(...later);
        await bench.within(messaging.events.publish(...later), 'a publish through the loss');
        const got = (): Set<string> => new Set(handled.items.map(({ id }) => id));
        await handled.until(() => sent.every(({ id }) => got().has(id)), `${sent.length} events`);
      }
      while (read.size < sent.length) {
        const { done = false, value } = await bench.within(reading.next(), 'the reader to read on');
        assert.ok(!done, `the reading ended after ${read.size} of ${sent.length} events`);
        read.add(value?.event.id);
      }
      assert.deepEqual([...read].toSorted(), ids(sent));
      await reading.return?.();
    },
  ),
];
