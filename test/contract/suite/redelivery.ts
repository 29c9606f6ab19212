import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from '@waggle/messaging';
import { bothOrderings, contractCase } from './case.ts';
import type { Handled } from './bench.ts';
import { gate } from './collector.ts';
import { confirmed } from './expectations.ts';
import { command, CONTEXT, event, events, EVENT_TYPE, GROUP, ids, raw } from './messages.ts';

const GROUP_SOURCE = { kind: 'group', group: GROUP } as const;

export const redeliveryCases = [
  ...bothOrderings(
    'B7',
    'what was handled never returns, also on a new connection past the lease',
    async (bench, ordering) => {
      const { leaseMs } = bench.harness.limits;
      const settings = { leaseMs };
      const first = await bench.open({ settings });
      const before = bench.collector<Handled>();
      await bench.subscribe(first, { ordering }, before);
      const sent = events(8);
      await first.messaging.events.publish(...sent);
      await before.count(sent.length);
      await bench.settled(first);
      await first.messaging.close();
      await delay(leaseMs * 1.5); // the passing of this very time is what is tested

      const second = await bench.open({ settings });
      const after = bench.collector<Handled>();
      await bench.subscribe(second, { ordering }, after);
      const later = events(8);
      await second.messaging.events.publish(...later);
      await after.count(later.length);
      await bench.settled(second);
      assert.deepEqual(ids(after.items), ids(later));
    },
  ),

  ...bothOrderings(
    'B8',
    'what was being handled when its process died is handled again, as the second attempt',
    async (bench, ordering) => {
      const settings = { leaseMs: bench.harness.limits.leaseMs };
      const dying = await bench.open({ settings });
      const stuck = gate();
      bench.atEnd(async () => stuck.open());
      const started = bench.collector<Handled>();
      await bench.subscribe(dying, { ordering }, started, () => stuck.opened);
      const sent = event({ partitionkey: 'a' });
      await dying.messaging.events.publish(sent);
      await started.count(1);
      await dying.driver.close();

      const survivor = await bench.open({ settings });
      const handled = bench.collector<Handled>();
      await bench.subscribe(survivor, { ordering }, handled, undefined, 'survivor');
      await handled.count(1);
      stuck.open(); // too late: what the dead process says does not count
      await bench.settled(survivor);
      assert.deepEqual(handled.items, [{ id: sent.id, attempt: 2, member: 'survivor' }]);
    },
  ),

  contractCase(
    'B8',
    'a command that was being handled when its process died is handled again',
    async (bench) => {
      const settings = { leaseMs: bench.harness.limits.leaseMs };
      const dying = await bench.open({ settings });
      const stuck = gate();
      bench.atEnd(async () => stuck.open());
      const started = bench.collector<string>();
      await dying.messaging.queue.receive({ context: CONTEXT }, async ({ id }) => {
        started.add(id);
        await stuck.opened;
      });
      const sent = command();
      await dying.messaging.queue.send(sent);
      await started.count(1);
      await dying.driver.close();

      const survivor = await bench.open({ settings });
      const handled = bench.collector<{ id: string; attempt: number }>();
      await survivor.messaging.queue.receive({ context: CONTEXT }, async ({ id }, { attempt }) =>
        handled.add({ id, attempt }),
      );
      await handled.count(1);
      await bench.settled(survivor, { kind: 'queue', context: CONTEXT });
      assert.deepEqual(handled.items, [{ id: sent.id, attempt: 2 }]);
    },
  ),

  contractCase('B10', 'half the backlog is held, then released, and then all of it flows', async (bench) => {
    const driver = await bench.openDriver();
    await driver.declare({ groups: [{ group: GROUP, types: [EVENT_TYPE], from: 'new', ordering: 'none' }] });
    const sent = Array.from({ length: 40 }, () => raw());
    await confirmed(driver, ...sent);
    const held = bench.collector<Delivery>();
    const done = bench.collector<{ id: string }>();
    let most = 0;
    let unsettled = 0;
    let holding = true;
    const consumer = await driver.consume(
      { source: GROUP_SOURCE, ordering: 'none', concurrency: 20 },
      (delivery) => {
        most = Math.max(most, ++unsettled);
        if (holding) return held.add(delivery);
        unsettled--;
        delivery.ack();
        done.add({ id: delivery.message.id ?? 'none' });
      },
    );
    await held.count(20);
    assert.equal(await driver.lag(GROUP_SOURCE), 40);
    holding = false;
    for (const delivery of held.items) {
      unsettled--;
      delivery.release();
    }
    await done.count(40);
    await consumer.close();
    assert.deepEqual(ids(done.items), ids(sent));
    assert.ok(most <= 20, `${most} were unsettled at a time`);
  }),

  contractCase('B10', 'what is handed back goes to another member at once', async (bench) => {
    const [one, other] = await Promise.all([bench.openDriver(), bench.openDriver()]);
    await one.declare({ queues: [CONTEXT] });
    const source = { kind: 'queue', context: CONTEXT } as const;
    const options = { source, ordering: 'by-key', concurrency: 4 } as const;
    const held = bench.collector<Delivery>();
    const leaving = await one.consume(options, (delivery) => held.add(delivery));
    const sent = raw({ to: source, lane: 1 });
    await confirmed(one, sent);
    await held.count(1);
    const done = bench.collector<{ id: string }>();
    await other.consume(options, (delivery) => {
      delivery.ack();
      done.add({ id: delivery.message.id ?? 'none' });
    });
    leaving.pause();
    for (const delivery of held.items) delivery.release();
    await leaving.close();
    await done.count(1);
    assert.deepEqual(ids(done.items), [sent.id]);
  }),
];
