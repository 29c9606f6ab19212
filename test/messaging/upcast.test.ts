import { createRegistry, defineCommand, defineEvent, replaces } from '@waggle/contracts';
import type { CloudEvent } from '@waggle/kernel';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { anEvent, openMessaging, settle } from './harness.ts';

const declare = { description: 'A test.' };
const v1 = defineEvent('testing.counted.v1', {
  ...declare,
  schema: z.object({ n: z.int() }),
  example: { n: 1 },
});
const v2 = defineEvent('testing.counted.v2', {
  ...declare,
  schema: z.object({ number: z.int().max(100) }),
  example: { number: 1 },
  replaces: replaces(v1, ({ n }) => ({ number: n })),
});
const v3 = defineEvent('testing.counted.v3', {
  ...declare,
  schema: z.object({ amount: z.int() }),
  example: { amount: 1 },
  replaces: replaces(v2, ({ number }) => ({ amount: number })),
});
const doV1 = defineCommand('testing.count.v1', { ...declare, schema: z.int(), example: 1 });
const doV2 = defineCommand('testing.count.v2', {
  ...declare,
  schema: z.object({ n: z.int() }),
  example: { n: 1 },
  replaces: replaces(doV1, (n) => ({ n })),
});
const contracts = createRegistry({ v1, v2, v3, doV1, doV2 });

const event = (type: string, data: unknown): CloudEvent => anEvent({ type, data });

/** What a group with these types is given of one event of each version. */
async function given(types: readonly string[]): Promise<readonly unknown[]> {
  const { messaging, clock } = await openMessaging({ contracts });
  const seen: unknown[] = [];
  const group = 'testing.listen';
  await messaging.events.subscribe({ group, types }, async ({ type, data }) => void seen.push([type, data]));
  await messaging.events.publish(
    event(v1.type, { n: 1 }),
    event(v2.type, { number: 2 }),
    event(v3.type, { amount: 3 }),
  );
  await settle(clock);
  return seen.toSorted();
}

test('a handler of the newest version is given the older ones in its shape', async () => {
  const newest = [1, 2, 3].map((amount) => [v3.type, { amount }]);
  expect(await given([v3.type])).toEqual(newest);
  expect(await given(['testing.*'])).toEqual(newest);
});

test('a handler of an older version goes on getting that one, and what came before it', async () => {
  expect(await given([v2.type])).toEqual([1, 2].map((number) => [v2.type, { number }]));
  expect(await given([v1.type])).toEqual([[v1.type, { n: 1 }]]);
});

test('reading gives the newest version that was asked for, at the place of the older one', async () => {
  const { messaging } = await openMessaging({ contracts });
  await messaging.events.publish(event(v1.type, { n: 1 }), event(v3.type, { amount: 3 }));
  const read = async (types: readonly string[]) => {
    const seen: unknown[] = [];
    for await (const recorded of messaging.events.read({ types })) seen.push(recorded.event.data);
    return seen;
  };
  expect(await read([v3.type])).toEqual([{ amount: 1 }, { amount: 3 }]);
  expect(await read([v2.type])).toEqual([{ number: 1 }]);
});

test('a command of an older version reaches the handler of the newer one', async () => {
  const { messaging, clock } = await openMessaging({ contracts });
  const seen: unknown[] = [];
  await messaging.queue.receive({ context: 'testing', types: [doV2.type] }, async ({ type, data }) => {
    seen.push([type, data]);
  });
  await messaging.queue.send(event(doV1.type, 7), event(doV2.type, { n: 8 }));
  await settle(clock);
  expect(seen.toSorted()).toEqual([7, 8].map((n) => [doV2.type, { n }]));
});

test('what breaks either schema is a dead letter, with the body as it came', async () => {
  const { messaging, clock } = await openMessaging({ contracts });
  await messaging.events.subscribe({ group: 'testing.listen', types: [v3.type] }, async () => undefined);
  await messaging.events.publish(event(v1.type, { n: 'one' }), event(v1.type, { n: 1_000 }));
  await settle(clock);
  const letters = await messaging.deadLetters.list();
  expect(letters.map(({ cause, messageType }) => [cause, messageType])).toEqual([['schema', v1.type]]);
});

test('a contract replaces an older version of the same kind, once', () => {
  const wrong = { ...declare, schema: z.int(), example: 1 };
  const replaceWith = (type: `${string}.v${number}`, contract: typeof v1 | typeof v3) => () =>
    defineEvent(type, { ...wrong, replaces: replaces(contract as typeof v1, () => 1) });
  expect(replaceWith('testing.counted.v2', v3)).toThrow('cannot replace testing.counted.v3');
  expect(replaceWith('testing.other.v2', v1)).toThrow('cannot replace testing.counted.v1');
  const twin = defineEvent('testing.counted.v4', { ...wrong, replaces: replaces(v1, () => 1) });
  expect(() => createRegistry({ v1, v2, twin })).toThrow('both replace testing.counted.v1');
});
