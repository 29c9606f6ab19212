import type { Contracts, Observation } from '@waggle/kernel';
import { MessagingError, Reject, silentLogger } from '@waggle/kernel';
import type { Middleware } from '@waggle/messaging';
import { currentMessageContext, STRUCTURED } from '@waggle/messaging';
import { describe, expect, test } from 'vitest';
import { anEvent, GROUP, openMessaging, settle, TYPE } from './harness.ts';

const subscription = { group: GROUP, types: [TYPE] };
const nothing = async (): Promise<void> => undefined;
const said = (observations: readonly Observation[]) => observations.map(({ what }) => what);

describe('a failing handler', () => {
  test('is tried again along the curve, and its message given up on after the last attempt', async () => {
    const { messaging, clock, observations } = await openMessaging();
    const begun = clock.now();
    const tries: [number, number][] = [];
    const retry = { maxAttempts: 4, initialDelayMs: 100, maxDelayMs: 250 };
    await messaging.events.subscribe({ ...subscription, retry }, async (_, { attempt }) => {
      tries.push([attempt, clock.now() - begun]);
      throw new Error(`no ${attempt}`);
    });
    await messaging.events.publish(anEvent({ id: 'x', partitionkey: 'k' }));
    await settle(clock);
    await clock.advance(10_000);
    expect(tries).toEqual([
      [1, 0],
      [2, 100],
      [3, 300],
      [4, 550],
    ]);
    expect(said(observations)).toEqual(['published', 'retried', 'retried', 'retried', 'dead-lettered']);
    expect(await messaging.deadLetters.list()).toMatchObject([
      { messageId: 'x', cause: 'attempts-exhausted', attempts: 4, reason: 'no 4' },
    ]);
  });

  test('gives its message up at once when it says that trying again will not help', async () => {
    const { messaging, clock, observations } = await openMessaging();
    await messaging.events.subscribe(subscription, () => Promise.reject(new Reject('unknown customer')));
    await messaging.events.publish(anEvent());
    await settle(clock);
    expect(observations.at(-1)).toMatchObject({
      what: 'dead-lettered',
      attempt: 1,
      reason: 'unknown customer',
    });
  });

  test.each(['invalid', 'too-large'] as const)(
    'gives its message up at once when what it wants to send is %s, and says so in the log',
    async (code) => {
      const said: unknown[] = [];
      const logger = { ...silentLogger, error: (what: string, fields?: object) => said.push([what, fields]) };
      const { messaging, clock } = await openMessaging({ logger });
      await messaging.events.subscribe(subscription, () => Promise.reject(new MessagingError(code, 'no')));
      await messaging.events.publish(anEvent({ id: 'x' }));
      await settle(clock);
      const [entry] = await messaging.deadLetters.list();
      expect(entry).toMatchObject({ cause: 'rejected', attempts: 1 });
      const fields = { consumer: GROUP, type: TYPE, id: 'x', cause: 'rejected', attempts: 1 };
      expect(said).toEqual([['gave up', { ...fields, reason: '[waggle] no' }]]);
    },
  );

  test('holds back its own key alone', async () => {
    const { messaging, clock } = await openMessaging();
    const done: unknown[] = [];
    await messaging.events.subscribe(subscription, async ({ data }, { attempt }) => {
      if (data === 'a1' && attempt === 1) throw new Error('later');
      done.push(data);
    });
    // With 4 lanes, "a" and "b" are on different ones.
    await messaging.events.publish(
      anEvent({ partitionkey: 'a', data: 'a1' }),
      anEvent({ partitionkey: 'a', data: 'a2' }),
      anEvent({ partitionkey: 'b', data: 'b1' }),
    );
    await settle(clock);
    expect(done).toEqual(['b1']);
    await clock.advance(100);
    expect(done).toEqual(['b1', 'a1', 'a2']);
  });

  test.each([
    [
      'synchronously',
      () => {
        throw new Error('at once');
      },
      'at once',
    ],
    [
      'something that is not an error',
      () => Promise.reject(Object.create(null)),
      'thrown value that cannot be shown',
    ],
    ['nothing', () => Promise.reject(undefined), 'thrown value: undefined'],
  ])('may throw %s', async (_, handler, reason) => {
    const { messaging, clock } = await openMessaging();
    await messaging.events.subscribe({ ...subscription, retry: { maxAttempts: 1 } }, handler);
    await messaging.events.publish(anEvent());
    await settle(clock);
    expect(await messaging.deadLetters.list()).toMatchObject([{ reason: expect.stringContaining(reason) }]);
  });
});

test('what a handler says after its time was over is ignored, be it success or failure', async () => {
  for (const late of ['resolve', 'reject'] as const) {
    const { messaging, clock, observations } = await openMessaging();
    const first = Promise.withResolvers<void>();
    const subscribed = { ...subscription, ordering: 'none', timeoutMs: 1_000 } as const;
    const second = Promise.withResolvers<void>();
    const consumer = await messaging.events.subscribe(subscribed, (_, { attempt }) =>
      attempt === 1 ? first.promise : second.promise,
    );
    await messaging.events.publish(anEvent());
    await settle(clock);
    await clock.advance(1_000);
    if (late === 'resolve') first.resolve();
    else first.reject(new Error('too late'));
    await settle(clock);
    expect(await consumer.lag()).toBe(1);
    second.resolve();
    await settle(clock);
    expect(await consumer.lag()).toBe(0);
    expect(said(observations)).toEqual(['published', 'timed-out', 'handled']);
  }
});

describe('a message that is not for the handler', () => {
  const contracts: Contracts = {
    find: (type) =>
      type === TYPE
        ? { kind: 'event', check: (data) => (data === 'bad' ? 'data: expected better' : undefined) }
        : undefined,
  };

  test('because its data break the schema is given up on, unseen', async () => {
    const { messaging, clock } = await openMessaging({ contracts });
    let handled = 0;
    await messaging.events.subscribe(subscription, async () => void handled++);
    await messaging.events.publish(anEvent({ data: 'bad' }), anEvent({ data: 'good' }));
    await settle(clock);
    expect(handled).toBe(1);
    expect(await messaging.deadLetters.list()).toMatchObject([
      { cause: 'schema', reason: 'data: expected better', attempts: 0 },
    ]);
  });

  test('because the check of its contract throws is given up on, too', async () => {
    const contracts: Contracts = {
      find: () => ({
        kind: 'event',
        check() {
          throw new Error('a refinement that divides by zero');
        },
      }),
    };
    const { messaging, clock } = await openMessaging({ contracts });
    await messaging.events.subscribe(subscription, nothing);
    await messaging.events.publish(anEvent());
    await settle(clock);
    expect(await messaging.deadLetters.list()).toMatchObject([
      { cause: 'schema', reason: expect.stringContaining('divides by zero') },
    ]);
  });

  test('because no contract declares it is passed over, or given up on, as the subscription says', async () => {
    const { messaging, clock, observations } = await openMessaging({ contracts });
    const types = ['testing.*'];
    await messaging.events.subscribe({ group: 'testing.skips', types }, nothing);
    await messaging.events.subscribe({ group: 'testing.keeps', types, unhandled: 'dead-letter' }, nothing);
    await messaging.events.publish(anEvent({ type: 'testing.unheard-of.v1' }));
    await settle(clock);
    expect(observations).toContainEqual(
      expect.objectContaining({ what: 'skipped', consumer: 'testing.skips' }),
    );
    expect(await messaging.deadLetters.list()).toMatchObject([
      { consumer: 'testing.keeps', cause: 'unhandled' },
    ]);
  });

  test('because nobody can read it is given up on with its bytes', async () => {
    const { messaging, driver, clock } = await openMessaging();
    await messaging.events.subscribe(subscription, nothing);
    const body = new Uint8Array([0xff, 0xfe]);
    const raw = {
      lane: 0,
      type: TYPE,
      id: 'raw',
      contentType: STRUCTURED,
      headers: { note: 'kept' },
      body,
    } as const;
    expect(await driver.publish([{ to: { kind: 'stream' }, ...raw }])).toEqual([undefined]);
    await settle(clock);
    const [entry] = await messaging.deadLetters.list();
    expect(entry).toMatchObject({ cause: 'undecodable', attempts: 0, headers: { note: 'kept' } });
    expect(entry?.body).toEqual(body);
  });

  test('because it is of another type of the same context never shows up', async () => {
    const { messaging, clock, observations } = await openMessaging();
    const consumer = await messaging.events.subscribe(subscription, nothing);
    await messaging.events.publish(anEvent({ type: 'testing.other-thing.v1' }));
    await settle(clock);
    expect(said(observations)).toEqual(['published']);
    expect(await consumer.lag()).toBe(0);
  });
});

test('a command that nobody handles is a dead letter of its queue, and is redriven to it', async () => {
  const { messaging, clock } = await openMessaging();
  const done: string[] = [];
  const receive = (types: readonly string[]) =>
    messaging.queue.receive({ context: 'testing', types }, async ({ type }) => void done.push(type));
  const consumer = await receive(['testing.do-this.v1']);
  await messaging.queue.send(anEvent({ type: 'testing.do-that.v1' }));
  await settle(clock);
  expect(await messaging.deadLetters.list()).toMatchObject([
    { origin: 'queue', consumer: 'testing', cause: 'unhandled', messageType: 'testing.do-that.v1' },
  ]);
  await consumer.drain(0);
  await receive(['testing.*']);
  await messaging.deadLetters.redrive({ cause: 'unhandled' });
  await settle(clock);
  expect(done).toEqual(['testing.do-that.v1']);
  expect(await messaging.deadLetters.list()).toEqual([]);
});

describe('a handling', () => {
  test('is observed with its message, its consumer, its attempt and how old the message was', async () => {
    const { messaging, clock, observations } = await openMessaging();
    await messaging.events.subscribe(subscription, nothing);
    const time = new Date(clock.now() - 2_000).toISOString();
    await messaging.events.publish(anEvent({ id: 'x', time, correlationid: 'c', causationid: 'p' }));
    await settle(clock);
    const known = { id: 'x', type: TYPE, source: '/test', correlationId: 'c', causationId: 'p' };
    expect(observations).toEqual([
      { what: 'published', ...known, durationMs: expect.any(Number) },
      {
        what: 'handled',
        ...known,
        consumer: GROUP,
        attempt: 1,
        durationMs: expect.any(Number),
        ageMs: 2_000,
      },
    ]);
  });

  test('of a message whose time is no time has no age', async () => {
    const { messaging, clock, observations } = await openMessaging();
    await messaging.events.subscribe(subscription, nothing);
    await messaging.events.publish(anEvent({ time: 'yesterday' }), anEvent());
    await settle(clock);
    const handled = observations.filter(({ what }) => what === 'handled');
    expect(handled).toHaveLength(2);
    for (const observation of handled) expect(observation).not.toHaveProperty('ageMs');
  });

  test('runs in the context of its message, also after it has waited', async () => {
    const { messaging, clock } = await openMessaging();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const contexts: unknown[] = [];
    await messaging.events.subscribe(subscription, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      const { correlationId, causationId, tracestate } = currentMessageContext() ?? {};
      contexts.push({
        correlationId,
        causationId,
        tracestate,
        trace: currentMessageContext()?.traceparent.slice(3, 35),
      });
    });
    await messaging.events.publish(anEvent({ id: 'x1', correlationid: 'c', traceparent, tracestate: 'v=1' }));
    await settle(clock);
    await messaging.events.publish(anEvent({ id: 'x2', traceparent: 'broken', tracestate: 'v=1' }));
    await settle(clock);
    expect(contexts).toEqual([
      { correlationId: 'c', causationId: 'x1', tracestate: 'v=1', trace: '0af7651916cd43dd8448eb211c80319c' },
      {
        correlationId: 'x2',
        causationId: 'x2',
        tracestate: undefined,
        trace: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    ]);
  });

  test('is wrapped by the middleware, the first outermost, which may do without it', async () => {
    const order: string[] = [];
    const wrap =
      (name: string): Middleware =>
      (next) =>
      async (message, context) => {
        order.push(`> ${name}`);
        if (message.data !== 'stop') await next(message, context);
        order.push(`< ${name}`);
      };
    const { messaging, clock } = await openMessaging({ middleware: [wrap('one'), wrap('two')] });
    await messaging.events.subscribe(subscription, async () => void order.push('handler'));
    await messaging.events.publish(anEvent());
    await settle(clock);
    expect(order.splice(0)).toEqual(['> one', '> two', 'handler', '< two', '< one']);
    await messaging.events.publish(anEvent({ data: 'stop' }));
    await settle(clock);
    expect(order).toEqual(['> one', '< one']);
  });
});
