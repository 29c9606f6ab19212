import assert from 'node:assert/strict';
import type { CloudEvent, Cursor, Recorded } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import type { DriverSettings } from '@waggle/messaging';
import type { Bench, Handled, Member, MemberOptions } from './bench.ts';
import type { Ordering } from './case.ts';
import { all } from './collector.ts';
import type { Collector } from './collector.ts';
import { events, GROUP, ids } from './messages.ts';

/** Little enough to be passed soon, and more than a broker's smallest segment. */
export const LITTLE: DriverSettings['retention'] = { maxAgeMs: 3_600_000, maxBytes: 256 * 1024 };

/** A member whose groups are free soon after it has left. */
export function openBrief(
  bench: Bench,
  { settings, ...options }: MemberOptions = {},
): ReturnType<Bench['open']> {
  return bench.open({ ...options, settings: { leaseMs: bench.harness.limits.leaseMs, ...settings } });
}

/** Resolves when nobody counts as a consumer of the group, or queue, any more. */
export async function idle(bench: Bench, { messaging }: Member, name = GROUP): Promise<void> {
  await bench.eventually(
    () => messaging.groups.list(),
    (groups) => groups.every((group) => group.name !== name || !group.inUse),
    `${name} not to be in use`,
  );
}

/** `count` events of so many bytes. */
export function heavy(count: number, bytes: number): readonly CloudEvent[] {
  const filler = 'x'.repeat(bytes);
  return events(count, (index) => ({ data: { index, filler } }));
}

/** Everything that is kept, in the order of the stream. A reading that the retention overtakes is begun again. */
export async function kept(member: Member): Promise<readonly Recorded[]> {
  try {
    return await all(member.messaging.events.read());
  } catch (error) {
    if (!isOutOfRange(error)) throw error;
    return kept(member);
  }
}

const isOutOfRange = (error: unknown): boolean =>
  error instanceof MessagingError && error.code === 'out-of-range';

/** The place of an event that is kept. */
export async function cursorOf(member: Member, { id }: { readonly id: string }): Promise<Cursor> {
  const found = (await kept(member)).find(({ event }) => event.id === id);
  if (found === undefined) throw new Error(`${id} is not in the stream`);
  return found.cursor;
}

/** Whether a cursor is one to begin at. */
export async function isGone({ messaging }: Member, after: Cursor): Promise<boolean> {
  try {
    await messaging.events.read({ from: { after } })[Symbol.asyncIterator]().next();
    return false;
  } catch (error) {
    if (isOutOfRange(error)) return true;
    throw error;
  }
}

/** What is waited for; for whoever waits in vain. */
export const DISCARDED = `the first event to be discarded by a retention of ${LITTLE.maxBytes} bytes`;

/** Publishes far more than `LITTLE` keeps, until a cursor is not kept. */
export async function overflow(bench: Bench, member: Member, cursor: Cursor): Promise<void> {
  const publishMore = async (): Promise<boolean> => {
    await member.messaging.events.publish(...heavy(20, 20_000));
    return isGone(member, cursor);
  };
  await bench.eventually(publishMore, (gone) => gone, DISCARDED);
}

/** A cursor of this broker that lies past the head of a stream with few events: from a longer one. */
export async function cursorPastTheHead(bench: Bench): Promise<Cursor> {
  const namespace = `${bench.namespace}x`;
  const member = await bench.open({ settings: { namespace } });
  bench.atEnd(async () => bench.harness.sweep?.(namespace));
  await member.messaging.events.publish(...events(200));
  const last = (await kept(member)).at(-1);
  await member.messaging.close();
  if (last === undefined) throw new Error('nothing is kept');
  return last.cursor;
}

/** Publishes, one call after the other, for as long as `work` takes and a little longer. Returns what it published. */
export async function publishingDuring(
  bench: Bench,
  { messaging }: Member,
  work: () => Promise<unknown>,
): Promise<readonly CloudEvent[]> {
  const published: CloudEvent[] = [];
  let isOver = false;
  const publishing = (async () => {
    while ((!isOver && published.length < 2_000) || published.length < 40) {
      const next = events(8);
      await messaging.events.publish(...next);
      published.push(...next);
    }
  })();
  publishing.catch(() => undefined);
  await work().finally(() => (isOver = true));
  await bench.within(publishing, 'the publisher');
  return published;
}

/** Everything was handled, and the first handlings of each key follow the order of publishing. */
export async function assertAllInOrder(
  handled: Collector<Handled>,
  published: readonly CloudEvent[],
  ordering: Ordering,
): Promise<void> {
  const { length } = published;
  await handled.until((items) => new Set(ids(items)).size >= length, `${length} events`);
  const firsts = [...new Set(handled.items.map(({ id }) => id))];
  assert.deepEqual(firsts.toSorted(), ids(published));
  if (ordering === 'none') return;
  const keys = new Map(published.map(({ id, partitionkey }) => [id, partitionkey]));
  for (const key of new Set(keys.values())) {
    const expected = published.filter(({ partitionkey }) => partitionkey === key).map(({ id }) => id);
    const got = firsts.filter((id) => keys.get(id) === key);
    assert.deepEqual(got, expected, `the order of ${String(key)}`);
  }
}
