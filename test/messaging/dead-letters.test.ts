import { createMemoryDriver } from '@waggle/adapter-memory';
import type { DeadLetterFilter } from '@waggle/kernel';
import { MessagingError, Reject } from '@waggle/kernel';
import { encode } from '@waggle/messaging';
import { describe, expect, onTestFinished, test } from 'vitest';
import { anEvent, driverSettings, GROUP, openMessaging, settle, TYPE } from './harness.ts';

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

test.for([
  { 'dead-letter': '{' },
  { 'dead-letter': 'null' },
  { 'dead-letter-resolved': '{"id":' },
  { 'dead-letter-resolved': '{"id":"testing.listen/x"}' },
])('a record that somebody else wrote there, %o, hides no other', async (headers) => {
  const { messaging, driver, settled } = await twoGroups();
  await messaging.events.publish(anEvent({ id: 'x' }));
  await settled();
  const contentType = 'text/plain';
  const broken = { lane: 'unordered', type: TYPE, id: 'broken', contentType, headers } as const;
  const body = new Uint8Array();
  expect(await driver.publish([{ ...broken, to: { kind: 'dead-letters' }, body }])).toEqual([undefined]);
  expect((await messaging.deadLetters.list()).map(({ id }) => id)).toEqual([`${GROUP}/x`]);
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

test('what is redriven and fails again before the redrive is noted is listed again', async () => {
  const { messaging, broker, settled } = await twoGroups();
  await messaging.events.publish(anEvent());
  await settled();
  // The note that it was redriven is the one thing that may not be stored until the handler has failed again.
  const allow = broker.deny('publish', ({ resource, type }) => {
    return resource === 'dead-letters' && type === 'waggle.dead-letter-resolved.v1';
  });
  await expect(messaging.deadLetters.redrive({})).rejects.toMatchObject({ code: 'denied' });
  await settled();
  allow();
  const [again] = await messaging.deadLetters.list();
  expect(again).toMatchObject({ id: expect.stringContaining(GROUP) });
  await messaging.deadLetters.discard({});
  expect(await messaging.deadLetters.list()).toEqual([]);
});

test('a resolution is of what was known when it was made, and not of what came meanwhile', async () => {
  const { messaging, driver, settled } = await twoGroups();
  await messaging.events.publish(anEvent({ id: 'x' }));
  await settled();
  const { publish } = driver;
  driver.publish = async (messages) => {
    // Between the redrive and its note the handler gives up again.
    const outcomes = await publish(messages);
    if (messages.some(({ to }) => to.kind === 'group')) await settled();
    return outcomes;
  };
  await messaging.deadLetters.redrive({});
  driver.publish = publish;
  expect(await messaging.deadLetters.list()).toMatchObject([{ messageId: 'x', attempts: 1 }]);
});

test('what is larger than what may be stored is kept in part, cannot be redriven, and holds nobody up', async () => {
  const { messaging, broker, state, settled } = await twoGroups();
  state.broken = false;
  const stranger = createMemoryDriver({ ...driverSettings, maxMessageBytes: 100_000 }, broker);
  onTestFinished(() => stranger.close());
  await stranger.open();
  const body = new Uint8Array(50_000).fill(0x7b);
  const to = { kind: 'stream' } as const;
  const headers = { note: 'x' };
  await stranger.publish([
    { to, lane: 0, type: TYPE, id: 'large', contentType: 'application/json', headers, body },
  ]);
  await messaging.events.publish(
    ...['a', 'b', 'c', 'd', 'e', 'f'].map((key) => anEvent({ data: key, partitionkey: key })),
  );
  await settled();
  expect(state.first.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  const [entry, ...others] = await messaging.deadLetters.list({ consumer: GROUP });
  expect(others).toEqual([]);
  expect(entry).toMatchObject({
    messageId: 'large',
    cause: 'undecodable',
    cutFromBytes: 50_000,
    headers: {},
  });
  expect([entry?.body.byteLength, entry?.body[0]]).toEqual([4_096, 0x7b]);
  await expect(messaging.deadLetters.redrive({})).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('discard it'),
  });
  expect(await messaging.deadLetters.discard({})).toHaveLength(2);
  expect(await messaging.deadLetters.list()).toEqual([]);
});

test('an observer that throws changes nothing: there is one dead letter, and the message is settled', async () => {
  const observer = (): never => {
    throw new Error('a broken metric');
  };
  const { messaging, clock, driver } = await openMessaging({ observer });
  await messaging.events.subscribe({ group: GROUP, types: [TYPE] }, () => Promise.reject(new Reject('no')));
  await driver.publish([
    {
      to: { kind: 'stream' },
      lane: 'unordered',
      type: TYPE,
      id: 'x',
      contentType: 'application/cloudevents+json',
      headers: {},
      body: encode(anEvent({ id: 'x' })),
    },
  ]);
  await settle(clock);
  const stored: unknown[] = [];
  const log = driver.read({ kind: 'dead-letters' }, { from: 'beginning', follow: false });
  for await (const { message } of log) stored.push(message.id);
  expect(stored).toHaveLength(1);
  expect(await driver.lag({ kind: 'group', group: GROUP })).toBe(0);
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

describe('dead letters are narrowed down', () => {
  /** One an hour, from nine to eleven. */
  async function threeReasons() {
    const opened = await openMessaging();
    const { messaging, clock } = opened;
    await messaging.events.subscribe({ group: GROUP, types: ['testing.*'] }, ({ id, data }) => {
      return Promise.reject(id === 'c' ? new Error(String(data)) : new Reject(String(data)));
    });
    const publish = async (id: string, data: string, type = TYPE): Promise<void> => {
      await messaging.events.publish(anEvent({ id, data, type }));
      await settle(clock);
      await clock.advance(3_600_000);
    };
    await publish('a', 'Card declined');
    await publish('b', 'no such customer', 'testing.other-happened.v1');
    await publish('c', 'card DECLINED twice');
    return opened;
  }

  test.each<[string, DeadLetterFilter, readonly string[]]>([
    ['part of the reason', { reason: 'card declined' }, ['a', 'c']],
    ['the cause', { cause: 'attempts-exhausted' }, ['c']],
    ['the type', { messageType: 'testing.other-happened.v1' }, ['b']],
    ['the time from which on', { since: '2026-11-23T10:00:00Z' }, ['b', 'c']],
    ['the time before which', { before: '2026-11-23T10:00:00Z' }, ['a']],
    ['a time elsewhere', { before: '2026-11-23T11:00:00.5+01:00' }, ['a', 'b']],
    ['all of it at once', { reason: 'declined', since: '2026-11-23T10:00:00Z' }, ['c']],
    ['nothing', { reason: undefined } as object, ['a', 'b', 'c']],
  ])('by %s', async (_, filter, ids) => {
    const { messaging } = await threeReasons();
    const found = await messaging.deadLetters.list(filter);
    expect(found.map(({ messageId }) => messageId)).toEqual(ids);
    expect(found.every(({ body }) => body.byteLength > 0)).toBe(true);
    expect(await messaging.deadLetters.discard(filter, { dryRun: true })).toHaveLength(ids.length);
    expect(await messaging.deadLetters.discard(filter)).toHaveLength(ids.length);
    expect(await messaging.deadLetters.list()).toHaveLength(3 - ids.length);
  });

  test.each<[DeadLetterFilter, string]>([
    [{ since: 'yesterday' }, 'by since "yesterday": give a time as in RFC 3339'],
    [{ before: '2026-11-23' }, 'by before "2026-11-23": give a time as in RFC 3339'],
    [{ cause: 'rejectd' } as object, 'by cause "rejectd": give rejected, attempts-exhausted'],
    [{ consumer: '' }, 'by consumer "": give something, or leave it out'],
  ])('but not by %o, which is refused before anything happens', async (filter, why) => {
    const { messaging } = await threeReasons();
    for (const ask of ['list', 'redrive', 'discard'] as const)
      await expect(messaging.deadLetters[ask](filter)).rejects.toThrow(why);
    expect(await messaging.deadLetters.list()).toHaveLength(3);
  });

  test('by what the last giving up said, where a message was given up on twice', async () => {
    const { messaging, clock, driver } = await openMessaging();
    const reasons = ['first', 'second'];
    await messaging.events.subscribe({ group: GROUP, types: [TYPE] }, () =>
      Promise.reject(new Reject(reasons.shift())),
    );
    await messaging.events.publish(anEvent({ id: 'x' }));
    await settle(clock);
    const { publish } = driver;
    // The note that it was redriven is lost.
    driver.publish = async (messages) =>
      messages.some(({ type }) => type === 'waggle.dead-letter-resolved.v1')
        ? [new MessagingError('timeout', 'lost')]
        : publish(messages);
    await expect(messaging.deadLetters.redrive({})).rejects.toThrow('0 of 1 were redriven before it');
    driver.publish = publish;
    await settle(clock);
    expect(await messaging.deadLetters.list({ reason: 'first' })).toEqual([]);
    expect(await messaging.deadLetters.discard({ reason: 'second' })).toHaveLength(1);
    expect(await messaging.deadLetters.list()).toEqual([]);
  });
});

test('a redrive that stops says at which and after how many; those are not redriven again', async () => {
  const { messaging, broker, state, settled } = await twoGroups();
  await messaging.events.publish(...['a', 'b', 'c'].map((id) => anEvent({ id, data: id })));
  await settled();
  state.broken = false;
  let left = 1;
  const allow = broker.deny('publish', ({ resource }) => resource.includes(GROUP) && left-- <= 0);
  await expect(messaging.deadLetters.redrive({})).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringContaining(`at ${GROUP}/b; 1 of 3 were redriven before it`),
  });
  allow();
  expect(await messaging.deadLetters.redrive({})).toHaveLength(2);
  await settled();
  expect(state.first).toEqual(['a', 'b', 'c']);
});
