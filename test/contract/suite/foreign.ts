import assert from 'node:assert/strict';
import type { CloudEvent } from '@waggle/kernel';
import type { BrokerDriver } from '@waggle/messaging';
import { LANES } from './bench.ts';
import type { Bench } from './bench.ts';
import { contractCase } from './case.ts';
import { all } from './collector.ts';
import { confirmed } from './expectations.ts';
import { hook } from './harness.ts';
import type { ForeignClient } from './harness.ts';
import { bytes, event, EVENT_TYPE, GROUP, laneOf, raw } from './messages.ts';

const STRUCTURED = 'application/cloudevents+json';

export const foreignCases = [
  contractCase('C7', 'an event in structured mode from a foreign client is understood', async (bench) => {
    const { received, foreign } = await listening(bench);
    const sent = [
      event({ data: { a: 1 }, extensions: { mine: 'x' } }),
      event({ data: 'text', partitionkey: 'k1', subject: '\u2603' }),
    ];
    const contentTypes = [STRUCTURED, `${STRUCTURED}; charset=UTF-8`];
    for (const [index, { extensions, ...attributes }] of sent.entries()) {
      const key = attributes.partitionkey;
      await foreign.publish({
        type: EVENT_TYPE,
        lane: key === undefined ? 'unordered' : laneOf(key, LANES),
        contentType: contentTypes[index] ?? STRUCTURED,
        headers: {},
        body: bytes(JSON.stringify({ ...attributes, ...extensions })),
      });
    }
    await received.count(sent.length);
    assert.deepEqual(received.items.toSorted(byId), sent.toSorted(byId));
  }),

  contractCase(
    'C7',
    'an event in binary mode from a foreign client is understood, in every spelling',
    async (bench) => {
      const { received, foreign } = await listening(bench);
      const spellings = foreign.binaryHeaders({});
      const sent = spellings.map((_, index) =>
        event({ data: { index }, subject: 's', extensions: { mine: 'x y' } }),
      );
      for (const [index, { id, source, type, time = '', subject = '', data }] of sent.entries()) {
        const attributes = { specversion: '1.0', id, source, type, time, subject, mine: 'x y' };
        const headers = foreign.binaryHeaders(attributes)[index] ?? {};
        const body = bytes(JSON.stringify(data));
        await foreign.publish({ type, lane: 'unordered', contentType: 'application/json', headers, body });
      }
      await received.count(sent.length);
      const expected = sent.map((message) => ({ ...message, datacontenttype: 'application/json' }));
      assert.deepEqual(received.items.toSorted(byId), expected.toSorted(byId));
    },
  ),

  contractCase(
    'C7',
    'an event of ours is what CloudEvents say, for a client that knows nothing of us',
    async (bench) => {
      const { messaging, foreign } = await listening(bench);
      const { extensions, ...attributes } = event({
        data: { a: [1, '\u2603'] },
        partitionkey: 'k1',
        correlationid: 'c',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        extensions: { mine: 'x' },
      });
      await messaging.events.publish({ ...attributes, ...(extensions && { extensions }) });
      const first = await bench.within(foreign.first(), 'the first message of the stream');
      assert.equal(first.contentType, STRUCTURED);
      const body: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(first.body));
      assert.deepEqual(body, { ...attributes, ...extensions });
      assert.match(
        first.headers['traceparent'] ?? '',
        /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/,
      );
    },
  ),
];

const byId = (one: CloudEvent, other: CloudEvent): number => one.id.localeCompare(other.id);

async function listening(bench: Bench) {
  const { driver, messaging } = await bench.open();
  const received = bench.collector<CloudEvent>();
  await messaging.events.subscribe({ group: GROUP, types: [EVENT_TYPE] }, async (message) =>
    received.add(message),
  );
  const foreign =
    bench.harness.declares['no-foreign-client'] === undefined
      ? await hook(bench.harness, 'foreign')(bench.namespace)
      : strangerThrough(driver);
  bench.atEnd(() => foreign.close());
  return { messaging, received, foreign };
}

/** Where no other client can reach the broker: what one would write, through the driver. */
function strangerThrough(driver: BrokerDriver): ForeignClient {
  return {
    publish: (message) => confirmed(driver, raw(message)),
    async first() {
      const entries = await all(driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }));
      const message = entries[0]?.message;
      if (message === undefined) throw new Error('the stream is empty');
      return message;
    },
    binaryHeaders: (attributes) => [
      Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
    ],
    close: async () => undefined,
  };
}
