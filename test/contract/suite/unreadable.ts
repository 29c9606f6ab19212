import assert from 'node:assert/strict';
import type { Contracts } from '@waggle/kernel';
import type { OutgoingMessage } from '@waggle/messaging';
import type { Handled } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { eventsOf } from './collector.ts';
import { confirmed } from './expectations.ts';
import { bytes, command, CONTEXT, event, EVENT_TYPE, GROUP, ids, OTHER_GROUP, raw } from './messages.ts';

const STRUCTURED = 'application/cloudevents+json';

/** The published language of these tests: one event, whose data has a number, and one command. */
const contracts: Contracts = {
  find(type) {
    if (type === 'testing.do-thing.v1') return { kind: 'command', check: () => undefined };
    if (type !== EVENT_TYPE) return undefined;
    return {
      kind: 'event',
      check: (data) =>
        typeof (data as { count?: unknown }).count === 'number' ? undefined : 'count is not a number',
    };
  },
};

const good = { specversion: '1.0', id: 'x', source: '/s', type: EVENT_TYPE };
const UNREADABLE: readonly Partial<OutgoingMessage>[] = [
  { contentType: STRUCTURED, body: Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d) },
  { contentType: STRUCTURED, body: bytes('{"specversion":"1.0",') },
  { contentType: STRUCTURED, body: new Uint8Array() },
  { contentType: STRUCTURED, body: bytes('null') },
  { contentType: STRUCTURED, body: bytes('[]') },
  { contentType: STRUCTURED, body: bytes(JSON.stringify({ ...good, id: undefined })) },
  { contentType: STRUCTURED, body: bytes(JSON.stringify({ ...good, source: 7 })) },
  { contentType: STRUCTURED, body: bytes(JSON.stringify({ ...good, specversion: '0.3' })) },
  { contentType: 'application/json', body: bytes(JSON.stringify(good)) },
  { contentType: 'application/octet-stream', body: Uint8Array.from({ length: 256 }, (_, index) => index) },
];

export const unreadableCases = [
  ...bothOrderings(
    'F8',
    'what cannot be decoded is a dead letter at once, its bytes and headers as they came',
    async (bench, ordering) => {
      const member = await bench.open();
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering }, handled);
      const sent = UNREADABLE.map((message) => raw({ lane: 1, headers: { 'x-mine': 'kept' }, ...message }));
      const sentinel = event();
      await confirmed(member.driver, ...sent);
      await member.messaging.events.publish(sentinel);
      const entries = await bench.deadLetters(member, sent.length);
      await handled.count(1);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), [sentinel.id]);
      for (const { id, contentType, body } of sent) {
        const entry = entries.find(({ messageId }) => messageId === id);
        assert.deepEqual([entry?.cause, entry?.attempts, entry?.messageType], ['undecodable', 0, EVENT_TYPE]);
        assert.deepEqual([entry?.contentType, entry?.headers['x-mine']], [contentType, 'kept']);
        assert.ok(entry !== undefined && Buffer.compare(entry.body, body) === 0, 'its bytes were changed');
        assert.notEqual(entry.reason, '');
      }
    },
  ),

  contractCase('F8', 'what cannot be decoded in a queue is a dead letter at once', async (bench) => {
    const member = await bench.open();
    const handled = bench.collector<string>();
    await member.messaging.queue.receive({ context: CONTEXT }, async ({ id }) => handled.add(id));
    const to = { kind: 'queue', context: CONTEXT } as const;
    const body = Uint8Array.of(0xff, 0x00);
    await confirmed(member.driver, raw({ to, lane: 2, contentType: STRUCTURED, body }));
    const sentinel = command({ partitionkey: 'a' });
    await member.messaging.queue.send(sentinel);
    const [entry] = await bench.deadLetters(member, 1);
    await handled.count(1);
    assert.deepEqual([entry?.cause, entry?.consumer, entry?.origin], ['undecodable', CONTEXT, 'queue']);
    assert.deepEqual(handled.items, [sentinel.id]);
    assert.ok(entry !== undefined && Buffer.compare(entry.body, body) === 0, 'its bytes were changed');
  }),

  contractCase(
    'F8',
    'what cannot be decoded troubles no group that did not ask for its type, and no reader',
    async (bench) => {
      const member = await bench.open();
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering: 'none' }, handled);
      await confirmed(
        member.driver,
        raw({ type: 'testing.other-happened.v1', contentType: STRUCTURED, body: bytes('{') }),
      );
      const sent = event();
      await member.messaging.events.publish(sent);
      await handled.count(1);
      await bench.settled(member);
      assert.deepEqual(await member.messaging.deadLetters.list(), []);
      const read = (await eventsOf(member.messaging.events.read())).map(({ id }) => id);
      assert.deepEqual(read, [sent.id]);
    },
  ),

  contractCase('F8', 'data that breaks its contract is a dead letter at once', async (bench) => {
    const member = await bench.open({ messaging: { contracts } });
    const handled = bench.collector<Handled>();
    await bench.subscribe(member, {}, handled);
    const stranger = await bench.open();
    const broken = event({ data: { count: 'one' }, partitionkey: 'a' });
    const whole = event({ data: { count: 1 }, partitionkey: 'a' });
    await stranger.messaging.events.publish(broken, whole);
    await handled.count(1);
    const [entry] = await bench.deadLetters(member, 1);
    await bench.settled(member);
    assert.deepEqual(ids(handled.items), [whole.id]);
    assert.deepEqual([entry?.messageId, entry?.cause, entry?.attempts], [broken.id, 'schema', 0]);
    assert.match(entry?.reason ?? '', /count is not a number/);
  }),

  contractCase(
    'F9',
    'an event that no contract declares is skipped, or a dead letter where the group wants it so',
    async (bench) => {
      const member = await bench.open({ messaging: { contracts } });
      const { messaging } = member;
      const handled = bench.collector<Handled>();
      const types = [EVENT_TYPE, 'testing.unheard-of.v1'];
      await bench.subscribe(member, { types }, handled);
      await bench.subscribe(member, { types, group: OTHER_GROUP, unhandled: 'dead-letter' }, handled);
      const unknown = event({ type: 'testing.unheard-of.v1', partitionkey: 'a' });
      const known = event({ data: { count: 1 }, partitionkey: 'a' });
      const stranger = await bench.open();
      await stranger.messaging.events.publish(unknown, known);
      await handled.count(2);
      const entries = await bench.deadLetters(member, 1);
      await Promise.all([GROUP, OTHER_GROUP].map((group) => bench.settled(member, { kind: 'group', group })));
      assert.deepEqual(ids(handled.items), [known.id, known.id]);
      assert.equal((await messaging.deadLetters.list()).length, 1);
      const [entry] = entries;
      assert.deepEqual(
        [entry?.messageId, entry?.consumer, entry?.cause, entry?.attempts],
        [unknown.id, OTHER_GROUP, 'unhandled', 0],
      );
    },
  ),

  contractCase(
    'F9',
    'a command that nobody handles is a dead letter: it was meant for this queue alone',
    async (bench) => {
      const member = await bench.open();
      const handled = bench.collector<string>();
      const receiving = { context: CONTEXT, types: ['testing.do-thing.v1'] };
      await member.messaging.queue.receive(receiving, async ({ id }) => handled.add(id));
      const unknown = command({ type: 'testing.do-nothing.v1', partitionkey: 'a' });
      const known = command({ partitionkey: 'a' });
      await member.messaging.queue.send(unknown, known);
      await handled.count(1);
      const [entry] = await bench.deadLetters(member, 1);
      assert.deepEqual(handled.items, [known.id]);
      assert.deepEqual([entry?.messageId, entry?.cause, entry?.attempts], [unknown.id, 'unhandled', 0]);
    },
  ),
];
