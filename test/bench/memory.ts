import { createMemoryDriver } from '@waggle/adapter-memory';
import { createRegistry } from '@waggle/contracts';
import { parcelPosted } from '@waggle/contracts/testing';
import { createMessaging } from '@waggle/messaging';
import type { Contest } from './contest.ts';
import { counter, GROUP, manyOf, parcelOf, perSecond } from './load.ts';
import { benchSettings } from './rig.ts';

/** As many as the outbox relay publishes at once. */
const BATCH = 256;

/** Published, encoded, stored, decoded, checked against its contract and handled. */
export function memoryContests(count: number): readonly Contest[] {
  const run = async (): Promise<number> => {
    const driver = createMemoryDriver(benchSettings('bench'));
    const messaging = createMessaging({ driver, contracts: createRegistry({ parcelPosted }) });
    await messaging.open();
    const { handle, done } = counter(count);
    await messaging.events.subscribe({ group: GROUP, types: ['*'], concurrency: 256 }, async () => handle());
    const events = manyOf(count, parcelOf);
    const speed = await perSecond(count, async () => {
      for (let sent = 0; sent < count; sent += BATCH) {
        await messaging.events.publish(...events.slice(sent, sent + BATCH));
      }
      await done;
    });
    await messaging.close();
    return speed;
  };
  return [
    {
      title: 'End to end, by key, through codec and schema check',
      ours: { name: 'memory', run },
      atLeast: 60_000,
    },
  ];
}
