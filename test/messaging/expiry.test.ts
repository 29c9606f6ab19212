import { declaredMessage } from '@waggle/kernel';
import { encode } from '@waggle/messaging';
import { expect, test } from 'vitest';
import { anEvent, openMessaging, openUnitOfWork, outboxOf, settle } from './harness.ts';

const TYPE = 'testing.do-this.v1';

async function receiving() {
  const opened = await openMessaging();
  const { messaging, driver, clock, observations } = opened;
  const handled: unknown[] = [];
  const start = () =>
    messaging.queue.receive({ context: 'testing' }, async ({ data }) => void handled.push(data));
  await messaging.queue.declare('testing');
  /** As a stranger does, who may write anything. */
  const sendAsIs = (data: unknown, expirytime: unknown) => {
    const { data: _, ...attributes } = anEvent({ type: TYPE });
    const body = new TextEncoder().encode(JSON.stringify({ ...attributes, data, expirytime }));
    return driver.publish([
      {
        to: { kind: 'queue', context: 'testing' },
        lane: 'unordered',
        type: TYPE,
        id: attributes.id,
        contentType: 'application/cloudevents+json',
        headers: {},
        body,
      },
    ]);
  };
  const expired = () => observations.filter(({ what }) => what === 'expired');
  return { messaging, clock, handled, start, sendAsIs, expired };
}

test('a command is handled up to its time and not from it on, by the clock of the process', async () => {
  const { messaging, clock, handled, start, expired } = await receiving();
  const at = (ms: number) => new Date(clock.now() + ms).toISOString();
  const send = (data: string, ms: number) =>
    messaging.queue.send(anEvent({ id: data, type: TYPE, time: at(0), data, expirytime: at(ms) }));
  await send('in time', 60_001);
  await send('late', 60_000);
  await clock.advance(60_000);
  await start();
  await settle(clock);
  expect(handled).toEqual(['in time']);
  expect(expired()).toEqual([
    {
      what: 'expired',
      consumer: 'testing',
      attempt: 1,
      id: 'late',
      type: TYPE,
      source: '/test',
      ageMs: 60_000,
      reason: 'its time was over at 2026-11-23T09:01:00.000Z',
    },
  ]);
});

test('a time that cannot be read counts as none: better late than lost', async () => {
  const { clock, handled, start, sendAsIs, expired } = await receiving();
  for (const wrong of ['yesterday', '2026-11-22', '', null]) await sendAsIs(wrong, wrong);
  await start();
  await settle(clock);
  expect(handled).toHaveLength(4);
  expect(expired()).toEqual([]);
});

test('a time in another zone, or in lower case, is a time', async () => {
  const { clock, handled, start, sendAsIs, expired } = await receiving();
  await sendAsIs('over', '2026-11-23T09:59:59.9+01:00');
  await sendAsIs('over', '2026-11-23t08:59:59z');
  await sendAsIs('yet to come', '2026-11-23T03:30:00-06:00');
  await start();
  await settle(clock);
  expect(handled).toEqual(['yet to come']);
  expect(expired()).toHaveLength(2);
});

test('the unit of work says when a command expires, from the time to live of its contract', async () => {
  const { unitOfWork, store, clock } = await openUnitOfWork();
  const command = { kind: 'command', type: TYPE, data: 1 } as const;
  await unitOfWork.run(async (tx) => {
    tx.send(declaredMessage({ ...command, timeToLiveMs: 90_000 }), declaredMessage(command));
  });
  const [first, second] = await outboxOf(store);
  expect(first).toMatchObject({ time: '2026-11-23T09:00:00.000Z', expirytime: '2026-11-23T09:01:30.000Z' });
  expect(second).not.toHaveProperty('expirytime');
  expect(() => encode(first ?? anEvent())).not.toThrow();
  expect(clock.now()).toBe(Date.parse('2026-11-23T09:00:00Z'));
});
