import { laneOf } from '@waggle/messaging';
import type { Contest, Counts } from './contest.ts';
import { counter, eventOf, GROUP, IN_FLIGHT, inFlight, manyOf, perSecond } from './load.ts';
import { LANES, setUp, type Place, type Rig } from './rig.ts';

type Side = 'ours' | 'usual';
type Ordering = 'by-key' | 'none';

/** What is measured on every server. */
export function contestsOn(place: Place, { count, slow }: Counts): readonly Contest[] {
  const { promised } = place;
  const both = (title: string, atLeast: number, run: (side: Side) => Promise<number>): Contest => ({
    title,
    atLeast,
    ours: { name: 'Waggle', run: () => run('ours') },
    other: { name: 'the usual way', run: () => run('usual') },
  });
  const keyed = (keys: number, total = count, side: Side = 'ours'): Promise<number> =>
    endToEnd(place, side, total, (index) => `key-${index % keys}`);

  return [
    both(`Confirmed publish, ${IN_FLIGHT} in flight`, promised.publish, (side) =>
      publish(place, side, count),
    ),
    both('A backlog, handled and acknowledged', promised.backlog, (side) => backlog(place, side, count)),
    both('End to end', promised.endToEnd, (side) => endToEnd(place, side, count)),
    {
      title: 'End to end, by key (16 lanes, 1,000 keys), against without order',
      atLeast: 0.5,
      ours: { name: 'by key', run: () => keyed(1_000) },
      other: { name: 'without order', run: () => endToEnd(place, 'ours', count) },
    },
    {
      title: 'End to end, one hot key',
      atLeast: 1_500,
      ours: { name: 'Waggle', run: () => keyed(1, slow) },
    },
    {
      title: 'The same, against the usual way to take one at a time',
      ours: { name: 'Waggle', run: () => keyed(1, slow) },
      other: { name: 'the usual way', run: () => keyed(1, slow, 'usual') },
    },
  ];
}

const publisherOf = ({ messaging, usual }: Rig, side: Side) =>
  side === 'ours' ? messaging.events.publish : usual.publish;

/** Sets up a rig, and clears it away whatever happens. */
async function onRig(place: Place, ordering: Ordering, work: (rig: Rig) => Promise<number>): Promise<number> {
  const rig = await setUp(place, ordering);
  try {
    return await work(rig);
  } finally {
    await rig.close();
  }
}

/** Confirmed publish, to the log and a group. */
export function publish(place: Place, side: Side, count: number): Promise<number> {
  return onRig(place, 'none', (rig) => {
    const events = manyOf(count, eventOf);
    return perSecond(count, () => inFlight(events, publisherOf(rig, side)));
  });
}

function backlog(place: Place, side: Side, count: number): Promise<number> {
  return onRig(place, 'none', async (rig) => {
    await inFlight(manyOf(count, eventOf), rig.messaging.events.publish);
    const { handle, done } = counter(count);
    return perSecond(count, async () => {
      await consume(rig, side, handle);
      await done;
    });
  });
}

function endToEnd(
  place: Place,
  side: Side,
  count: number,
  keyOf?: (index: number) => string,
): Promise<number> {
  const ordering = keyOf === undefined ? 'none' : 'by-key';
  return onRig(place, ordering, async (rig) => {
    const { handle, done } = counter(count);
    await consume(rig, side, handle, ordering, keyOf?.(0));
    const events = manyOf(count, (index) => eventOf(index, keyOf?.(index)));
    return perSecond(count, async () => {
      await inFlight(events, publisherOf(rig, side));
      await done;
    });
  });
}

async function consume(
  { messaging, usual }: Rig,
  side: Side,
  handle: () => void,
  ordering: Ordering = 'none',
  hotKey?: string,
): Promise<void> {
  if (side === 'usual') {
    const lane = laneOf(hotKey, LANES);
    return usual.consume(handle, lane === 'unordered' ? undefined : lane);
  }
  const subscription = { group: GROUP, types: ['*'], ordering, concurrency: IN_FLIGHT };
  await messaging.events.subscribe(subscription, async () => handle());
}
