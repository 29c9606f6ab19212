import { Reject } from '@waggle/kernel';
import { expect, test } from 'vitest';
import { anEvent, GROUP, openMessaging, settle, TYPE } from './harness.ts';

const OTHER = 'testing.other';

/** Two groups; the first gives up on everything while `broken`. */
async function twoGroups() {
  const opened = await openMessaging();
  const { messaging, clock } = opened;
  const state = { broken: true, first: [] as unknown[], second: [] as unknown[], attempts: [] as number[] };
  await messaging.events.subscribe({ group: GROUP, types: [TYPE] }, async ({ data }, { attempt }) => {
    state.attempts.push(attempt);
    if (state.broken) throw new Reject('broken');
    state.first.push(data);
  });
  await messaging.events.subscribe(
    { group: OTHER, types: [TYPE] },
    async ({ data }) => void state.second.push(data),
  );
  return { ...opened, state, settled: () => settle(clock) };
}

test('a dead letter keeps the message as it came, and says why', async () => {
  const { messaging, settled } = await twoGroups();
  await messaging.events.publish(anEvent({ id: 'x', data: '☃', partitionkey: 'k' }));
  await settled();
  const [entry, ...others] = await messaging.deadLetters.list();
  expect(others).toEqual([]);
  expect(entry).toMatchObject({
    id: `${GROUP}/x`,
    consumer: GROUP,
    origin: 'stream',
    cause: 'rejected',
    reason: 'broken',
    attempts: 1,
    time: '2026-11-23T09:00:00.000Z',
    messageId: 'x',
    messageType: TYPE,
    contentType: 'application/cloudevents+json',
  });
  expect(JSON.parse(new TextDecoder().decode(entry?.body))).toMatchObject({ id: 'x', data: '☃' });
});

test('a redrive goes to the group that gave up and to no other, and starts at attempt 1', async () => {
  const { messaging, state, settled } = await twoGroups();
  await messaging.events.publish(anEvent({ data: 1, partitionkey: 'k' }));
  await settled();
  state.broken = false;
  expect(await messaging.deadLetters.redrive({ consumer: OTHER })).toEqual([]);
  expect(await messaging.deadLetters.redrive({ consumer: GROUP }, { dryRun: true })).toHaveLength(1);
  await settled();
  expect(state.first).toEqual([]);
  expect(await messaging.deadLetters.redrive({ consumer: GROUP })).toHaveLength(1);
  await settled();
  expect(state).toMatchObject({ first: [1], second: [1], attempts: [1, 1] });
  expect(await messaging.deadLetters.list()).toEqual([]);
});

test('what is redriven and fails again is listed again', async () => {
  const { messaging, settled } = await twoGroups();
  await messaging.events.publish(anEvent());
  await settled();
  await messaging.deadLetters.redrive({});
  await settled();
  expect(await messaging.deadLetters.list()).toHaveLength(1);
});

test('what is discarded is gone for good, and the rest stays', async () => {
  const { messaging, settled } = await twoGroups();
  await messaging.events.publish(anEvent({ id: 'x1' }), anEvent({ id: 'x2' }));
  await settled();
  expect(await messaging.deadLetters.discard({ id: `${GROUP}/x1` })).toMatchObject([{ messageId: 'x1' }]);
  expect(await messaging.deadLetters.list()).toMatchObject([{ messageId: 'x2' }]);
});

test('a filter by something that dead letters do not have is refused, also while there are none', async () => {
  const { messaging, settled } = await twoGroups();
  const filter: object = { consummer: GROUP };
  for (const ask of ['list', 'redrive', 'discard'] as const)
    await expect(messaging.deadLetters[ask](filter)).rejects.toThrow('cannot be filtered by "consummer"');
  await messaging.events.publish(anEvent());
  await settled();
  await expect(messaging.deadLetters.discard(filter)).rejects.toThrow('cannot be filtered by "consummer"');
  expect(await messaging.deadLetters.list()).toHaveLength(1);
});
