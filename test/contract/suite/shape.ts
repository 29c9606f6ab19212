import assert from 'node:assert/strict';
import type { CloudEvent, Logger } from '@waggle/kernel';
import type { BrokerDriver, IncomingMessage } from '@waggle/messaging';
import type { Bench } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import type { Ordering } from './case.ts';
import { all, eventsOf } from './collector.ts';
import { EDGE_STRINGS } from './edge-strings.ts';
import { confirmed, everythingSaid, rejection } from './expectations.ts';
import { hook } from './harness.ts';
import { event, EVENT_TYPE, GROUP, ids, OTHER_GROUP, raw } from './messages.ts';

const MEGABYTE = 1_048_576;
/** Printable ASCII without a space at either end. */
const PLAIN = /^[!-~]([ -~]*[!-~])?$/;
const RESERVED_ATTRIBUTES = [
  'id',
  'source',
  'type',
  'specversion',
  'data',
  'data_base64',
  'partitionkey',
  'UPPER',
  'with-dash',
  '',
];

export const shapeCases = [
  ...bothOrderings(
    'B2',
    'headers and body are delivered as they were published, to each group',
    (bench, ordering) => eachDeliveryIsAsPublished(bench, ordering, 1),
  ),

  ...bothOrderings('F1', 'headers and body are as they were published on each attempt', (bench, ordering) =>
    eachDeliveryIsAsPublished(bench, ordering, 3),
  ),

  contractCase('C1', 'bytes that are no text arrive as they were, read and delivered', async (bench) => {
    const driver = await bench.openDriver();
    const bodies = [
      Uint8Array.from({ length: 256 }, (_, index) => index),
      Uint8Array.of(0xff, 0xfe, 0x00, 0xc3, 0x28),
      new Uint8Array(1_000),
    ];
    await confirmedAndSeen(bench, driver, bodies);
  }),

  contractCase('C1', 'data that is bytes arrives as bytes', async (bench) => {
    const { messaging } = await bench.open();
    const data = Uint8Array.from({ length: 256 }, (_, index) => 255 - index);
    await messaging.events.publish(event({ data, datacontenttype: 'application/octet-stream' }));
    const [recorded] = await all(messaging.events.read());
    assert.deepEqual(new Uint8Array(recorded?.event.data as Uint8Array), data);
  }),

  contractCase(
    'C2',
    'a header with an awkward value is carried exactly or refused, and its neighbours are not touched',
    async (bench) => {
      const driver = await bench.openDriver();
      const messages = EDGE_STRINGS.map((value) =>
        raw({ headers: { 'x-before': 'b', 'x-edge': value, 'x-last': 'z' } }),
      );
      const outcomes = await driver.publish(messages);
      const stored = await log(driver);
      for (const [index, message] of messages.entries()) {
        const value = JSON.stringify(EDGE_STRINGS[index]);
        const found = stored.get(message.id);
        if (outcomes[index] === undefined) {
          assert.deepEqual(
            only(found?.headers, 'x-before', 'x-edge', 'x-last'),
            message.headers,
            `${value} was changed`,
          );
        } else {
          assert.equal(outcomes[index].code, 'invalid', `${value}: ${outcomes[index].message}`);
          assert.equal(found, undefined, `${value} was refused and stored`);
        }
      }
      const refused = EDGE_STRINGS.filter(
        (value, index) => outcomes[index] !== undefined && PLAIN.test(value),
      );
      assert.deepEqual(refused, [], 'text that every transport has room for was refused');
    },
  ),

  contractCase(
    'C2',
    'an extension attribute with an awkward value arrives exactly as it was',
    async (bench) => {
      const { messaging } = await bench.open();
      const sent = EDGE_STRINGS.map((edge) => event({ extensions: { edge }, subject: edge, data: { edge } }));
      await messaging.events.publish(...sent);
      const read = await eventsOf(messaging.events.read());
      const byId = new Map(read.map((message) => [message.id, message]));
      for (const message of sent) assert.deepEqual(byId.get(message.id), message);
    },
  ),

  contractCase('C2', 'a key with an awkward value keeps its events together and in order', async (bench) => {
    const { messaging } = await bench.open();
    const keys = EDGE_STRINGS.filter((key) => key !== '' && !key.includes('\ud800'));
    const sent = [0, 1].flatMap((round) =>
      keys.map((partitionkey) => event({ partitionkey, data: { round } })),
    );
    const received = bench.collector<CloudEvent>();
    await messaging.events.subscribe({ group: GROUP, types: [EVENT_TYPE] }, async (message) =>
      received.add(message),
    );
    await messaging.events.publish(...sent);
    await received.count(sent.length);
    for (const key of keys) {
      const rounds = received.items
        .filter(({ partitionkey }) => partitionkey === key)
        .map(({ data }) => data);
      assert.deepEqual(rounds, [{ round: 0 }, { round: 1 }], `the key ${JSON.stringify(key)}`);
    }
  }),

  contractCase('C3', 'an empty body and one of the full megabyte arrive as they were', async (bench) => {
    const driver = await bench.openDriver({ maxMessageBytes: MEGABYTE });
    const full = new Uint8Array(MEGABYTE);
    for (let index = 0; index < full.length; index++) full[index] = 32 + ((index * 31) % 95);
    await confirmedAndSeen(bench, driver, [new Uint8Array(), full]);
  }),

  contractCase(
    'C4',
    'what is above the limit is refused as too large, and the rest of its batch is stored',
    async (bench) => {
      const maxMessageBytes = 10_000;
      const driver = await bench.openDriver({ maxMessageBytes });
      const messages = [
        raw(),
        raw({ body: new Uint8Array(maxMessageBytes + 1) }),
        raw({ body: new Uint8Array(maxMessageBytes) }),
      ];
      const outcomes = await driver.publish(messages);
      assert.deepEqual(
        outcomes.map((outcome) => outcome?.code),
        [undefined, 'too-large', undefined],
      );
      assert.equal(outcomes[1]?.retryable, false);
      assert.deepEqual(
        [...(await log(driver)).keys()].toSorted(),
        ids(messages.filter((_, index) => index !== 1)),
      );
    },
  ),

  contractCase('C4', 'an event above the default limit is refused as too large', async (bench) => {
    const { messaging } = await bench.open();
    const error = await rejection(
      messaging.events.publish(event({ data: 'x'.repeat(MEGABYTE) })),
      'too-large',
    );
    assert.equal(error.retryable, false);
    assert.deepEqual(await all(messaging.events.read()), []);
  }),

  contractCase('C5', 'headers that belong to the broker are refused, and do nothing', async (bench) => {
    const driver = await bench.openDriver();
    const first = raw();
    await confirmed(driver, first);
    for (const name of ['waggle-mine', ...bench.harness.reservedHeaders]) {
      const [outcome] = await driver.publish([raw({ headers: { [name]: 'all' } })]);
      assert.equal(outcome?.code, 'invalid', `the header ${name}`);
    }
    const last = raw();
    await confirmed(driver, last);
    assert.deepEqual([...(await log(driver)).keys()], [first.id, last.id]);
  }),

  contractCase('C5', 'what cannot be the name of a header is refused', async (bench) => {
    const driver = await bench.openDriver();
    for (const name of [
      'CC',
      'X-Upper',
      'with space',
      'with:colon',
      'with_underscore',
      'line\nbreak',
      '\u00fc',
      '',
    ]) {
      const [outcome] = await driver.publish([raw({ headers: { [name]: 'all' } })]);
      assert.equal(outcome?.code, 'invalid', `the header ${JSON.stringify(name)}`);
    }
    assert.equal((await log(driver)).size, 0);
  }),

  contractCase(
    'C5',
    'extension attributes with the name of another attribute, or no name at all, are refused',
    async (bench) => {
      const { messaging } = await bench.open();
      for (const name of RESERVED_ATTRIBUTES) {
        await rejection(messaging.events.publish(event({ extensions: { [name]: 'mine' } })), 'invalid');
      }
      assert.deepEqual(await all(messaging.events.read()), []);
    },
  ),

  contractCase('C6', 'no password is seen in a log, an error or the described topology', async (bench) => {
    const said: string[] = [];
    const say = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      said.push(message, JSON.stringify(fields), ...Object.values(fields ?? {}).map(everythingSaid));
    };
    const logger: Logger = { debug: say, info: say, warn: say, error: say };
    const { driver, messaging } = await bench.open({ settings: { logger }, messaging: { logger } });
    await messaging.queue.declare('testing');
    await messaging.events.publish(event());
    const described = await driver.describe();
    assert.ok(described.length > 0, 'nothing is described');
    said.push(JSON.stringify(described));
    await messaging.close();
    await messaging.events.publish(event()).catch((error: unknown) => said.push(everythingSaid(error)));

    const link = await hook(bench.harness, 'link')();
    bench.atEnd(() => link.close());
    await link.cut();
    const refused = bench.member({ settings: { logger }, from: link });
    said.push(everythingSaid(await rejection(refused.messaging.open(), 'unavailable')));

    const restricted = await hook(bench.harness, 'restricted')();
    bench.atEnd(() => restricted.close());
    const intruder = bench.member({ settings: { logger }, from: { driver: restricted.intruder } });
    said.push(
      everythingSaid(await rejection(bench.within(intruder.messaging.open(), 'the refusal'), 'denied')),
    );
    for (const secret of bench.harness.secrets) {
      const found = said.find((text) => text?.includes(secret));
      assert.equal(found, undefined, 'a password was seen');
    }
  }),
];

async function eachDeliveryIsAsPublished(bench: Bench, ordering: Ordering, attempts: number): Promise<void> {
  const driver = await bench.openDriver();
  const groups = [GROUP, OTHER_GROUP];
  await driver.declare({
    groups: groups.map((group) => ({ group, types: [EVENT_TYPE], from: 'new', ordering })),
  });
  const headers = { 'x-first': 'one "quoted" / two', traceparent: '00-a-b-01', 'x-last': 'caf\u00e9' };
  const body = Uint8Array.of(0, 255, 10, 13);
  const sent = [raw({ headers, body, lane: 1 }), raw({ headers, body }), raw({ lane: 2 })];
  const seen = bench.collector<IncomingMessage>();
  for (const group of groups) {
    const source = { kind: 'group', group } as const;
    await driver.consume({ source, ordering, concurrency: 5 }, (delivery) => {
      seen.add(delivery.message);
      if (delivery.attempt < attempts) delivery.retry(delivery.attempt === 1 ? 20 : 0);
      else delivery.ack();
    });
  }
  await confirmed(driver, ...sent);
  await seen.count(sent.length * groups.length * attempts);
  for (const { id, ...message } of sent) {
    const found = seen.items.filter((incoming) => incoming.id === id);
    assert.equal(found.length, groups.length * attempts);
    for (const incoming of found) {
      assert.deepEqual({ ...incoming.headers }, message.headers);
      assert.deepEqual([...incoming.body], [...message.body]);
      assert.deepEqual([incoming.type, incoming.contentType], [message.type, message.contentType]);
    }
  }
}

async function confirmedAndSeen(
  bench: Bench,
  driver: BrokerDriver,
  bodies: readonly Uint8Array[],
): Promise<void> {
  await driver.declare({ groups: [{ group: GROUP, types: [EVENT_TYPE], from: 'new', ordering: 'none' }] });
  const messages = bodies.map((body) => raw({ body }));
  const delivered = bench.collector<IncomingMessage>();
  const source = { kind: 'group', group: GROUP } as const;
  await driver.consume({ source, ordering: 'none', concurrency: 10 }, (delivery) => {
    delivered.add(delivery.message);
    delivery.ack();
  });
  await confirmed(driver, ...messages);
  await delivered.count(messages.length);
  const stored = await log(driver);
  for (const { id, body } of messages) {
    const found = delivered.items.find((message) => message.id === id);
    for (const seen of [found, stored.get(id)]) {
      assert.ok(
        seen !== undefined && Buffer.compare(seen.body, body) === 0,
        `a body of ${body.length} bytes was changed`,
      );
      assert.equal(seen.contentType, 'application/octet-stream');
      assert.equal(seen.type, EVENT_TYPE);
    }
  }
}

/** What the stream holds, by id, in its order. */
async function log(driver: BrokerDriver): Promise<ReadonlyMap<string, IncomingMessage>> {
  const entries = await all(driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }));
  return new Map(entries.map(({ message }) => [message.id ?? 'none', message]));
}

function only(
  headers: Readonly<Record<string, string>> = {},
  ...names: readonly string[]
): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}
