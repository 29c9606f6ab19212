import assert from 'node:assert/strict';
import type { DeadLetter, Handler } from '@waggle/kernel';
import { MessagingError, Reject } from '@waggle/kernel';
import { encode } from '@waggle/messaging';
import type { BrokerDriver, Delivery } from '@waggle/messaging';
import { QUICK } from './bench.ts';
import type { Handled } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { all } from './collector.ts';
import { changingDeliveries, override, passDelivery } from './pass-through.ts';
import { confirmed } from './expectations.ts';
import { command, COMMAND_TYPE, CONTEXT, event, EVENT_TYPE, GROUP, ids, raw } from './messages.ts';

const MEGABYTE = 1_048_576;
const fail: Handler = () => Promise.reject(new Error('the handler said no'));

export const deadLetterCases = [
  ...bothOrderings(
    'F5',
    'after the last attempt there is one dead letter, and the event is settled',
    async (bench, ordering) => {
      const member = await bench.open();
      const handled = bench.collector<Handled>();
      const doomed = event({ partitionkey: 'a' });
      await bench.subscribe(
        member,
        { ordering, retry: { ...QUICK, maxAttempts: 2 } },
        handled,
        async (message, context) => {
          if (message.id === doomed.id) await fail(message, context);
        },
      );
      const next = event({ partitionkey: 'a' });
      await member.messaging.events.publish(doomed, next);
      await handled.count(3);
      const [entry] = await bench.deadLetters(member, 1);
      const sentinel = event({ partitionkey: 'a' });
      await member.messaging.events.publish(sentinel);
      await handled.count(4);
      await bench.settled(member);
      assert.deepEqual(
        [entry?.messageId, entry?.cause, entry?.attempts],
        [doomed.id, 'attempts-exhausted', 2],
      );
      assert.equal((await member.messaging.deadLetters.list()).length, 1);
      assert.deepEqual(ids(handled.items), ids([doomed, doomed, next, sentinel]));
    },
  ),

  contractCase('F5', 'a command ends as one dead letter too, and is settled', async (bench) => {
    const member = await bench.open();
    const source = { kind: 'queue', context: CONTEXT } as const;
    await member.messaging.queue.receive({ context: CONTEXT, retry: { ...QUICK, maxAttempts: 2 } }, fail);
    const sent = [command(), command({ partitionkey: 'a' })];
    await member.messaging.queue.send(...sent);
    const entries = await bench.deadLetters(member, 2);
    await bench.settled(member, source);
    assert.equal((await member.messaging.deadLetters.list()).length, 2);
    assert.deepEqual(entries.map(({ messageId }) => messageId).toSorted(), ids(sent));
    for (const { consumer, origin, cause, attempts } of entries) {
      assert.deepEqual([consumer, origin, cause, attempts], [CONTEXT, 'queue', 'attempts-exhausted', 2]);
    }
  }),

  ...bothOrderings('F5', 'a rejected event is a dead letter at once', async (bench, ordering) => {
    const member = await bench.open();
    const handled = bench.collector<Handled>();
    await bench.subscribe(member, { ordering }, handled, () =>
      Promise.reject(new Reject('never going to work')),
    );
    const sent = event({ partitionkey: 'a' });
    await member.messaging.events.publish(sent);
    const [entry] = await bench.deadLetters(member, 1);
    await bench.settled(member);
    assert.equal(handled.items.length, 1);
    assert.deepEqual([entry?.cause, entry?.reason, entry?.attempts], ['rejected', 'never going to work', 1]);
  }),

  contractCase(
    'F6',
    'a dead letter keeps body and headers and says why, how often, whence and when',
    async (bench) => {
      const member = await bench.open();
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const sent = event({
        partitionkey: 'a',
        data: { word: 'snow \u2603' },
        traceparent,
        extensions: { mine: '"x" \u2603' },
      });
      const startedAt = Date.now();
      await bench.subscribe(
        member,
        { retry: { ...QUICK, maxAttempts: 2 } },
        bench.collector<Handled>(),
        fail,
      );
      await member.messaging.events.publish(sent);
      const [entry] = await bench.deadLetters(member, 1);
      const [recorded] = await all(
        member.driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }),
      );
      assert.ok(entry !== undefined && recorded !== undefined);
      const { id, time, body, headers, ...rest } = entry;
      assert.deepEqual(rest, {
        consumer: GROUP,
        origin: 'stream',
        cause: 'attempts-exhausted',
        reason: 'the handler said no',
        attempts: 2,
        messageId: sent.id,
        messageType: EVENT_TYPE,
        contentType: 'application/cloudevents+json',
      });
      assert.notEqual(id, '');
      assert.deepEqual(headers, recorded.message.headers);
      assert.equal(Buffer.compare(body, recorded.message.body), 0);
      const at = Date.parse(time);
      assert.ok(at >= startedAt - 1 && at <= Date.now() + 1, `given up on at ${time}`);
      assert.ok(time.endsWith('Z'));
    },
  ),

  contractCase('F6', 'an event of the greatest size can become a dead letter', async (bench) => {
    const member = await bench.open();
    const sent = event({ data: '' });
    const spare = MEGABYTE - Buffer.byteLength(JSON.stringify(sent));
    await bench.subscribe(member, { ordering: 'none' }, bench.collector<Handled>(), () =>
      Promise.reject(new Reject('x'.repeat(5_000))),
    );
    await member.messaging.events.publish({ ...sent, data: 'y'.repeat(spare) });
    const [entry] = await bench.deadLetters(member, 1);
    assert.equal(entry?.body.length, MEGABYTE);
    await bench.settled(member);
  }),

  contractCase(
    'F6',
    'an event from a stranger that is larger than what may be stored is a dead letter in part, and its lane goes on',
    async (bench) => {
      const member = await bench.open({ settings: { maxMessageBytes: 10_000 } });
      const stranger = await bench.openDriver({ maxMessageBytes: 100_000 });
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, {}, handled);
      const large = raw({ lane: 1, body: new Uint8Array(50_000).fill(0x7b) });
      const next = raw({
        lane: 1,
        contentType: 'application/cloudevents+json',
        body: encode(event({ id: 'next' })),
      });
      await confirmed(stranger, large, next);
      await handled.count(1);
      const [entry] = await bench.deadLetters(member, 1);
      await bench.settled(member);
      assert.deepEqual(
        [entry?.messageId, entry?.cause, entry?.cutFromBytes],
        [large.id, 'undecodable', 50_000],
      );
      assert.ok(entry !== undefined && entry.body.every((byte) => byte === 0x7b) && entry.body.length > 0);
      assert.deepEqual(ids(handled.items), ['next']);
    },
  ),

  ...bothOrderings(
    'F7',
    'while dead letters cannot be stored the event is not acknowledged, and in the end there is one',
    async (bench, ordering) => {
      const store = unavailableDeadLetters(3);
      const member = await bench.open({ wrap: store.wrap });
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering, retry: { ...QUICK, maxAttempts: 2 } }, handled, fail);
      const sent = event({ partitionkey: 'a' });
      await member.messaging.events.publish(sent);
      const [entry] = await bench.deadLetters(member, 1);
      await bench.settled(member);
      assert.equal((await member.messaging.deadLetters.list()).length, 1);
      assert.equal(entry?.messageId, sent.id);
      assert.deepEqual(store.happened, ['refused', 'refused', 'refused', 'stored', 'acknowledged']);
      assert.equal(entry.attempts, handled.items.length, 'attempts are the handlings that started');
    },
  ),

  contractCase(
    'F7',
    'what was given up on while dead letters could not be stored survives the process',
    async (bench) => {
      const settings = { leaseMs: bench.harness.limits.leaseMs };
      const store = unavailableDeadLetters(Number.POSITIVE_INFINITY);
      const dying = await bench.open({ settings, wrap: store.wrap });
      const reject: Handler = () => Promise.reject(new Reject('no'));
      await dying.messaging.queue.receive({ context: CONTEXT }, reject);
      const sent = command({ partitionkey: 'a' });
      await dying.messaging.queue.send(sent);
      await bench.eventually(
        async () => store.happened.length,
        (count) => count >= 1,
        'a dead letter that was refused',
      );
      await dying.driver.close();
      const survivor = await bench.open({ settings });
      await survivor.messaging.queue.receive({ context: CONTEXT }, reject);
      const entries = await bench.deadLetters(survivor, 1);
      await bench.settled(survivor, { kind: 'queue', context: CONTEXT });
      assert.deepEqual(
        entries.map(({ messageId, messageType }) => [messageId, messageType]),
        [[sent.id, COMMAND_TYPE]],
      );
      assert.ok(!store.happened.includes('acknowledged'));
    },
  ),

  contractCase(
    'F10',
    'whatever is thrown, the event is tried again and then a dead letter with a reason',
    async (bench) => {
      const member = await bench.open();
      const thrown: readonly unknown[] = [
        'a text',
        '',
        undefined,
        null,
        7,
        { code: 1 },
        Symbol('odd'),
        Object.create(null),
        () => 1,
      ];
      const handled = bench.collector<Handled>();
      const retry = { ...QUICK, maxAttempts: 2 };
      await bench.subscribe(member, { ordering: 'none', retry }, handled, ({ data }) =>
        Promise.reject(thrown[(data as { index: number }).index]),
      );
      const sent = thrown.map((_, index) => event({ data: { index } }));
      await member.messaging.events.publish(...sent);
      const entries = await bench.deadLetters(member, thrown.length);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), ids([...sent, ...sent]));
      assert.ok(entries.every(complete), JSON.stringify(entries.map(({ reason }) => reason)));
    },
  ),

  contractCase(
    'F10',
    'a handler that throws before it returns a promise has failed like any other',
    async (bench) => {
      const member = await bench.open();
      const handled = bench.collector<number>();
      const subscription = { group: GROUP, types: [EVENT_TYPE], retry: { ...QUICK, maxAttempts: 2 } };
      await member.messaging.events.subscribe(subscription, (_, { attempt }) => {
        handled.add(attempt);
        throw new Error('at once');
      });
      await member.messaging.events.publish(event({ partitionkey: 'a' }));
      const [entry] = await bench.deadLetters(member, 1);
      assert.deepEqual([handled.items, entry?.reason], [[1, 2], 'at once']);
    },
  ),
];

const complete = ({ cause, reason, attempts }: DeadLetter): boolean =>
  cause === 'attempts-exhausted' && attempts === 2 && !reason.startsWith('no handling finished');

/** Storing a dead letter fails for the first `times`; remembers in which order things happened. */
function unavailableDeadLetters(times: number) {
  const happened: ('refused' | 'stored' | 'acknowledged')[] = [];
  let left = times;
  const wrap = (driver: BrokerDriver): BrokerDriver =>
    override(changingDeliveries(driver, noting), {
      async publish(messages) {
        if (!messages.some(({ to }) => to.kind === 'dead-letters')) return driver.publish(messages);
        if (left-- > 0) {
          happened.push('refused');
          return messages.map(
            () => new MessagingError('unavailable', 'the dead letters are out of reach: a test wants it so'),
          );
        }
        const outcomes = await driver.publish(messages);
        happened.push('stored');
        return outcomes;
      },
    });
  const noting = (delivery: Delivery): Delivery => ({
    ...passDelivery(delivery),
    ack() {
      happened.push('acknowledged');
      delivery.ack();
    },
  });
  return { happened, wrap };
}
