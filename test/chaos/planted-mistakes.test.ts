import type { Delivery, Store } from '@waggle/messaging';
import { expect, onTestFinished, test } from 'vitest';
import { changingDeliveries, passDelivery } from '../contract/suite/pass-through.ts';
import type { Planted } from './memory-world.ts';
import { memoryWorld } from './memory-world.ts';
import { killAndRecover } from './scenario.ts';

/** Long enough for all that would come, over a lease of a second. */
const DEADLINE_MS = 4_000;

const forgetfulInbox = (store: Store): Store => ({
  ...store,
  handled: async () => false,
  startHandling: async (...given) => ({ ...(await store.startHandling(...given)), handled: false }),
  commit: (scope, { inbox: _, ...changes }) => store.commit(scope, changes),
});

const hastyOutbox = (store: Store): Store => ({
  ...store,
  async outbox(options) {
    const page = await store.outbox(options);
    await store.removeFromOutbox(page.entries.map(({ position }) => position));
    return page;
  },
});

function hastyAck(delivery: Delivery): Delivery {
  delivery.ack();
  return passDelivery(delivery);
}

test.concurrent.for<[string, string, Planted, RegExp]>([
  ['a store that forgets what was handled', 'count.committed', { store: forgetfulInbox }, /repeated/],
  ['a relay that removes before it publishes', 'first.publish', { store: hastyOutbox }, /lost/],
  [
    'a consumer that acknowledges before it handles',
    'count.begin',
    { driver: (driver) => changingDeliveries(driver, hastyAck) },
    /lost/,
  ],
])('%s is found when its host is killed at %s', async ([, killAt, planted, found]) => {
  const world = memoryWorld(planted);
  onTestFinished(() => world.close());
  await expect(killAndRecover(world, [killAt], { deadlineMs: DEADLINE_MS })).rejects.toThrow(found);
});

test('a host that does not come to its kill point is a failure', async () => {
  const world = memoryWorld();
  onTestFinished(() => world.close());
  const waiting = killAndRecover(world, ['nowhere'], { deadlineMs: 500 });
  await expect(waiting).rejects.toThrow('nothing ended who was to be killed at nowhere');
});
