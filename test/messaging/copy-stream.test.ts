import type { MemoryBroker } from '@waggle/adapter-memory';
import { createMemoryBroker, createMemoryDriver } from '@waggle/adapter-memory';
import { MessagingError } from '@waggle/kernel';
import type { BrokerDriver, CopyOptions, DriverSettings, OutgoingMessage } from '@waggle/messaging';
import { copyStream, encode, laneOf, STRUCTURED } from '@waggle/messaging';
import { expect, onTestFinished, test } from 'vitest';
import { anEvent, driverSettings, TYPE } from './harness.ts';

async function openDriver(
  broker?: MemoryBroker,
  settings: Partial<DriverSettings> = {},
): Promise<BrokerDriver> {
  const driver = createMemoryDriver({ ...driverSettings, ...settings }, broker);
  onTestFinished(() => driver.close());
  await driver.open();
  return driver;
}

/** Two logs on brokers of their own, and how to copy from one to the other. */
async function twoLogs(settings: Partial<DriverSettings> = {}) {
  const brokers = [createMemoryBroker(), createMemoryBroker()] as const;
  const source = await openDriver(brokers[0]);
  const destination = await openDriver(brokers[1], settings);
  const copy = (more: Partial<CopyOptions> = {}) =>
    copyStream({
      source: { driver: source, name: 'old/shop' },
      destination: { driver: destination, name: 'new/shop' },
      lanes: settings.lanes ?? driverSettings.lanes,
      batchSize: 16,
      ...more,
    });
  return { brokers, source, destination, copy };
}

function message(id: string, key?: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const body = encode(anEvent({ id, ...(key !== undefined && { partitionkey: key }) }));
  const to = { kind: 'stream' } as const;
  const lane = laneOf(key, driverSettings.lanes);
  return { to, lane, type: TYPE, id, contentType: STRUCTURED, headers: {}, body, ...more };
}

async function publish(driver: BrokerDriver, ...messages: readonly OutgoingMessage[]): Promise<void> {
  expect((await driver.publish(messages)).filter((error) => error !== undefined)).toEqual([]);
}

/** Many events of a few keys, and some without. */
const many = (count: number): OutgoingMessage[] =>
  Array.from({ length: count }, (_, index) =>
    message(`e${index}`, index % 6 === 5 ? undefined : `k${index % 6}`),
  );

async function eventsIn(driver: BrokerDriver) {
  const found: { id: string | undefined; key: string; message: OutgoingMessage }[] = [];
  for await (const { message: read } of driver.read(
    { kind: 'stream' },
    { from: 'beginning', follow: false },
  )) {
    const key =
      read.contentType === STRUCTURED ? JSON.parse(new TextDecoder().decode(read.body)).partitionkey : '';
    found.push({ id: read.id, key: key ?? '', message: read as OutgoingMessage });
  }
  return found;
}

const idsIn = async (driver: BrokerDriver) => (await eventsIn(driver)).map(({ id }) => id);

/** Everything is there once, and each key is in the order of the source. */
async function expectSame(source: BrokerDriver, destination: BrokerDriver): Promise<void> {
  const byKey = (events: Awaited<ReturnType<typeof eventsIn>>) =>
    Object.fromEntries(
      [...Map.groupBy(events, ({ key }) => key)].map(([key, of]) => {
        const ids = of.map(({ id }) => id);
        return [key, key === '' ? ids.toSorted() : ids];
      }),
    );
  expect(byKey(await eventsIn(destination))).toEqual(byKey(await eventsIn(source)));
}

/** Lets `count` messages through, then fails like that. */
function failingAfter(
  driver: BrokerDriver,
  count: number,
  error: MessagingError,
  times = Infinity,
): BrokerDriver {
  let left = count;
  let failures = times;
  return Object.create(driver, {
    publish: {
      async value(messages: readonly OutgoingMessage[]) {
        const fits = failures <= 0 ? messages.length : Math.min(left, messages.length);
        const outcomes = await driver.publish(messages.slice(0, fits));
        left -= fits;
        if (fits < messages.length) failures--;
        return messages.map((_, index) => (index < fits ? outcomes[index] : error));
      },
    },
  });
}

test('what is copied is as it was, in the order of its key', async () => {
  const { source, destination, copy } = await twoLogs();
  await publish(
    source,
    message('one', 'k', { headers: { traceparent: '00-x', mine: 'snow \u2603' } }),
    ...many(100),
  );
  expect(await copy()).toMatchObject({ copied: 101, alreadyThere: 0, refused: [], resumedBehind: undefined });
  await expectSame(source, destination);
  const [[before], [after]] = [await eventsIn(source), await eventsIn(destination)];
  const { 'copied-from': mark, ...headers } = after?.message.headers ?? {};
  expect(mark).toBe('old%2Fshop m1 - m1 m16 16');
  expect({ ...after?.message, headers }).toEqual(before?.message);
});

test('a second run copies what came since', async () => {
  const { source, destination, copy } = await twoLogs();
  await publish(source, ...many(40));
  const { position } = await copy();
  await publish(source, message('later', 'k1'));
  expect(await copy()).toMatchObject({ copied: 1, resumedBehind: expect.any(String) });
  expect(await copy()).toMatchObject({ copied: 0 });
  expect(position).toBe('m40');
  await expectSame(source, destination);
});

test.each([1, 7, 15, 16, 17, 60])(
  'a run that ends after %i events is gone on with: nothing is lost, and nothing copied twice',
  async (count) => {
    const { source, destination, copy } = await twoLogs();
    await publish(source, ...many(100));
    const driver = failingAfter(destination, count, new MessagingError('denied', 'no more'));
    await expect(copy({ destination: { driver, name: 'new/shop' } })).rejects.toMatchObject({
      code: 'denied',
    });
    expect(await idsIn(destination)).toHaveLength(count);
    const again = failingAfter(destination, 1, new MessagingError('denied', 'no more'));
    await expect(copy({ destination: { driver: again, name: 'new/shop' } })).rejects.toThrow('no more');
    const { copied, alreadyThere } = await copy();
    expect(copied).toBe(99 - count);
    expect(alreadyThere).toBeLessThan(16);
    await expectSame(source, destination);
  },
);

test('what fails for a while is tried again, and no key is overtaken', async () => {
  const { source, destination, copy } = await twoLogs();
  await publish(source, ...many(50));
  const driver = failingAfter(destination, 10, new MessagingError('unavailable', 'away'), 3);
  const told: string[] = [];
  const onRetry = (reason: string): void => void told.push(reason);
  expect(await copy({ destination: { driver, name: 'new/shop' }, onRetry })).toMatchObject({ copied: 50 });
  expect(told).toEqual(Array(3).fill('[waggle] away'));
  await expectSame(source, destination);
});

test('brokers that restart meanwhile cost nothing but time', async () => {
  const { brokers, source, destination, copy } = await twoLogs();
  await publish(source, ...many(200));
  let batches = 0;
  const onProgress = (): void => {
    batches++;
    if (batches === 3) brokers[0].restart();
    if (batches === 6) brokers[1].restart();
    if (batches === 9) for (const broker of brokers) broker.restart();
  };
  expect(await copy({ onProgress })).toMatchObject({ copied: 200 });
  await expectSame(source, destination);
});

test('it goes on with live events until it is told to stop', async () => {
  const { source, destination, copy } = await twoLogs();
  await publish(source, ...many(20));
  const stop = new AbortController();
  const copying = copy({ follow: true, signal: stop.signal });
  await expect.poll(() => idsIn(destination)).toHaveLength(20);
  await publish(source, message('live', 'k1'));
  await expect.poll(() => idsIn(destination)).toHaveLength(21);
  stop.abort();
  expect(await copying).toMatchObject({ copied: 21 });
});

test('it ends when the destination refuses, also while the source is quiet', async () => {
  const { source, destination, copy } = await twoLogs();
  await publish(source, message('a'));
  const driver = failingAfter(destination, 0, new MessagingError('denied', 'no'));
  const copying = copy({ follow: true, destination: { driver, name: 'new/shop' } });
  await expect(copying).rejects.toMatchObject({ code: 'denied' });
});

test('another number of lanes is no hindrance', async () => {
  const { brokers, source, copy } = await twoLogs({ lanes: 7 });
  await publish(source, ...many(30));
  await copy();
  const reader = await openDriver(brokers[1], { lanes: 7 });
  await reader.declare({ groups: [{ group: 'a.b', types: ['*'], from: 'beginning', ordering: 'by-key' }] });
  const seen: { lane: unknown; key: string }[] = [];
  await reader.consume(
    { source: { kind: 'group', group: 'a.b' }, ordering: 'by-key', concurrency: 10 },
    (delivery) => {
      const { partitionkey: key } = JSON.parse(new TextDecoder().decode(delivery.message.body));
      seen.push({ lane: delivery.lane, key });
      delivery.ack();
    },
  );
  await expect.poll(() => seen.length).toBe(30);
  for (const { lane, key } of seen) expect(lane).toBe(laneOf(key, 7));
});

test('what nobody can read is copied as well', async () => {
  const { source, destination, copy } = await twoLogs();
  const body = new Uint8Array([0xff, 0x00]);
  await publish(source, { ...message('raw'), contentType: 'text/plain', body, lane: 2 });
  await copy();
  const [copied] = await eventsIn(destination);
  expect([copied?.id, copied?.message.contentType, [...(copied?.message.body ?? [])]]).toEqual([
    'raw',
    'text/plain',
    [255, 0],
  ]);
});

test('what a foreign producer left out is found, and headers that cannot be carried are counted', async () => {
  const { source, destination, copy } = await twoLogs();
  await publish(source, message('known', 'k'));
  const foreign: BrokerDriver = Object.create(source, {
    read: {
      async *value(...args: Parameters<BrokerDriver['read']>) {
        for await (const { message: read, position } of source.read(...args)) {
          yield {
            message: {
              headers: { ok: '1', My_Header: '2', 'waggle-x': '3' },
              body: read.body,
              contentType: STRUCTURED,
            },
            position,
          };
        }
      },
    },
  });
  const report = await copy({ source: { driver: foreign, name: 'old/shop' } });
  expect(report.droppedHeaders).toEqual({ My_Header: 1, 'waggle-x': 1 });
  const [copied] = await eventsIn(destination);
  expect(copied?.message).toMatchObject({ id: 'known', type: TYPE, headers: { ok: '1' } });
});

test('a destination with events of its own is refused unless that is allowed', async () => {
  const { source, destination, copy } = await twoLogs();
  await publish(source, message('a', 'k'));
  await publish(destination, message('own', 'k'));
  await expect(copy()).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('the first is own'),
  });
  expect(await copy({ allowForeign: true })).toMatchObject({ copied: 1 });
  expect(await idsIn(destination)).toEqual(['own', 'a']);
});

test('on the way back only what is new goes, and there and back again too', async () => {
  const { source, destination, copy } = await twoLogs();
  const back = {
    source: { driver: destination, name: 'new/shop' },
    destination: { driver: source, name: 'old/shop' },
    allowForeign: true,
  };
  await publish(source, message('a', 'k'));
  await copy();
  await publish(destination, message('b', 'k'));
  expect(await copy(back)).toMatchObject({ copied: 1, returned: 1 });
  await publish(source, message('c', 'k'));
  expect(await copy({ allowForeign: true })).toMatchObject({ copied: 1, returned: 1 });
  expect(await copy(back)).toMatchObject({ copied: 0 });
  expect(await idsIn(source)).toEqual(['a', 'b', 'c']);
  expect(await idsIn(destination)).toEqual(['a', 'b', 'c']);
});

test('a log is not copied to itself, under whatever address', async () => {
  const { brokers, source, copy } = await twoLogs();
  const same = { driver: await openDriver(brokers[0]), name: 'old/shop' };
  await publish(source, message('a'));
  await expect(copy({ destination: same, allowForeign: true })).rejects.toThrow('the same log, old/shop');
  expect(await idsIn(source)).toEqual(['a']);
});

test('a log is not copied to itself for ever, not even when both seemed empty', async () => {
  const { brokers, source, copy } = await twoLogs();
  const same = { driver: await openDriver(brokers[0]), name: 'old/shop' };
  const started = Promise.withResolvers<void>();
  const copying = copy({ destination: same, follow: true, onProgress: () => started.resolve() });
  const ended = expect(copying).rejects.toThrow('choose another namespace');
  await started.promise;
  await publish(source, message('a'));
  await ended;
  expect(await idsIn(source)).toEqual(['a', 'a']);
});

test('what the destination refuses for good stops the copy, or is passed over and told', async () => {
  const { source, destination, copy } = await twoLogs({ maxMessageBytes: 1_000 });
  await publish(
    source,
    message('a', 'k'),
    message('large', 'k', { body: new Uint8Array(5_000) }),
    message('b', 'k'),
  );
  await expect(copy()).rejects.toMatchObject({
    code: 'too-large',
    message: expect.stringContaining('refuses large at m2 of old/shop'),
  });
  const report = await copy({ skipRefused: true });
  expect(report.refused).toMatchObject([
    { id: 'large', position: 'm2', reason: expect.stringContaining('5000 bytes') },
  ]);
  expect(await idsIn(destination)).toEqual(['a', 'b']);
});

test('a source that no longer keeps what comes next is told, and gone on with when that is accepted', async () => {
  const { copy, destination } = await twoLogs();
  const old = await openDriver(undefined, { retention: { maxAgeMs: 86_400_000, maxBytes: 2_000 } });
  const source = { driver: old, name: 'old/shop' };
  await publish(old, message('a'));
  await copy({ source });
  await publish(old, ...Array.from({ length: 30 }, (_, index) => message(`later-${index}`)));
  const kept = await idsIn(old);
  expect(kept).not.toContain('a');
  await expect(copy({ source })).rejects.toMatchObject({
    code: 'out-of-range',
    message: expect.stringContaining('accept the gap'),
  });
  expect(await copy({ source, acceptGap: true })).toMatchObject({ copied: kept.length });
  expect(await idsIn(destination)).toEqual(['a', ...kept]);
});

test('a first batch that was interrupted, and whose beginning is gone, is told; what it had copied is not copied again', async () => {
  const { destination, copy } = await twoLogs();
  const old = await openDriver(undefined, { retention: { maxAgeMs: 86_400_000, maxBytes: 2_000 } });
  const source = { driver: old, name: 'old/shop' };
  await publish(old, message('a'), message('kept'), message('last'));
  const driver = failingAfter(destination, 2, new MessagingError('denied', 'no more'));
  await expect(copy({ source, destination: { driver, name: 'new/shop' } })).rejects.toThrow('no more');
  expect(await idsIn(destination)).toEqual(['a', 'kept']);
  for (let index = 0; (await idsIn(old)).includes('a'); index++)
    await publish(old, message(`later-${index}`));
  const kept = await idsIn(old);
  expect(kept[0]).toBe('kept');
  await expect(copy({ source })).rejects.toMatchObject({ code: 'out-of-range' });
  expect(await copy({ source, acceptGap: true })).toMatchObject({ copied: kept.length - 1 });
  expect(await idsIn(destination)).toEqual(['a', ...kept]);
  expect(await copy({ source })).toMatchObject({ copied: 0 });
});
