import { describe, expect, it } from 'vitest';
import { VersionConflict, type EventStore, type EventToAppend, type StorePosition } from '@waggle/kernel';
import { createMemoryEventStore } from '../src/index.ts';

let ids = 0;
const event = (type: string, data: unknown = {}): EventToAppend => ({ id: `event-${++ids}`, type, data });
const types = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type);
const conflict = (append: Promise<unknown>): Promise<unknown> =>
  append.then(
    () => 'appended',
    (error: unknown) =>
      error instanceof VersionConflict ? [error.code, error.expected, error.actual] : error,
  );

async function withOrder(): Promise<EventStore> {
  const store = createMemoryEventStore();
  await store.append('order-1', [event('placed'), event('paid')], 'no-stream');
  return store;
}

describe('appending', () => {
  it('gives each event its version in the stream, and the stream its new version', async () => {
    const store = await withOrder();
    expect(await store.append('order-1', [event('shipped')], 2)).toEqual({ version: 3 });
    const events = await store.read('order-1');
    expect(events.map(({ type, version, stream }) => [type, version, stream])).toEqual([
      ['placed', 1, 'order-1'],
      ['paid', 2, 'order-1'],
      ['shipped', 3, 'order-1'],
    ]);
  });

  it.each([
    ['no-stream', 'order-1', 2],
    ['stream-exists', 'order-2', 0],
    [1, 'order-1', 2],
    [3, 'order-1', 2],
    [1, 'order-2', 0],
  ] as const)('with "%s" to %s is a conflict that tells both versions', async (expected, stream, actual) => {
    const store = await withOrder();
    const before = await store.readAll();
    expect(await conflict(store.append(stream, [event('late')], expected))).toEqual([
      'conflict',
      expected,
      actual,
    ]);
    expect(await store.readAll()).toEqual(before);
  });

  it.each([['any'], ['stream-exists'], [2]] as const)(
    'with "%s" succeeds where it holds',
    async (expected) => {
      const store = await withOrder();
      expect(await store.append('order-1', [event('shipped')], expected)).toEqual({ version: 3 });
    },
  );

  it('of many that race for one version has one winner, and of many that do not care all', async () => {
    const store = await withOrder();
    const race = (expected: number | 'any') =>
      Promise.all(
        Array.from({ length: 20 }, () => conflict(store.append('order-1', [event('raced')], expected))),
      );
    expect((await race(2)).filter((outcome) => outcome === 'appended')).toHaveLength(1);
    expect((await race('any')).filter((outcome) => outcome === 'appended')).toHaveLength(20);
    expect((await store.read('order-1')).map(({ version }) => version)).toEqual(
      Array.from({ length: 23 }, (_, index) => index + 1),
    );
  });

  it('stores all events or none', async () => {
    const store = await withOrder();
    const [taken] = await store.read('order-1');
    const attempts = [
      [event('good'), event('not data', () => undefined)],
      [event('good'), { ...event('again'), id: taken?.id ?? '' }],
      [
        { ...event('twice'), id: 'same' },
        { ...event('twice'), id: 'same' },
      ],
    ];
    for (const events of attempts) {
      await expect(store.append('order-1', events, 'any')).rejects.toMatchObject({ code: 'invalid' });
    }
    await expect(store.append('Order', [event('good')], 'any')).rejects.toMatchObject({ code: 'invalid' });
    expect(types(await store.readAll())).toEqual(['placed', 'paid']);
  });

  it('keeps what was stored from whoever gave it, and from whoever read it', async () => {
    const store = createMemoryEventStore();
    const data = { lines: ['one'], total: 12n };
    await store.append('order-1', [{ ...event('placed', data), metadata: { user: 'zoë' } }], 'any');
    data.lines.push('two');
    const [read] = await store.read('order-1');
    expect(read).toMatchObject({ data: { lines: ['one'], total: 12n }, metadata: { user: 'zoë' } });
    Object.assign(read?.data ?? {}, { lines: [] });
    expect((await store.read('order-1'))[0]?.data).toEqual({ lines: ['one'], total: 12n });
  });
});

describe('reading', () => {
  const order = async (): Promise<EventStore> => {
    const store = createMemoryEventStore();
    await store.append(
      'order-1',
      ['a', 'b', 'c', 'd', 'e'].map((type) => event(type)),
      'no-stream',
    );
    return store;
  };

  it.each([
    [{}, 'abcde'],
    [{ from: 2, to: 4 }, 'bcd'],
    [{ from: 4 }, 'de'],
    [{ to: 2 }, 'ab'],
    [{ limit: 2 }, 'ab'],
    [{ from: 9 }, ''],
    [{ backwards: true }, 'edcba'],
    [{ backwards: true, from: 4, to: 2 }, 'dcb'],
    [{ backwards: true, limit: 1 }, 'e'],
  ])('a stream with %j', async (range, expected) => {
    expect(types(await (await order()).read('order-1', range)).join('')).toBe(expected);
  });

  it('all goes on behind a position, in the order of appending, without a gap', async () => {
    const store = await order();
    await store.append('invoice-1', [event('issued')], 'any');
    await store.append('order-1', [event('f')], 5);
    const seen: string[] = [];
    for (let page = await store.readAll({ limit: 3 }); page.length > 0;) {
      seen.push(...types(page));
      const after = page.at(-1)?.position;
      page = await store.readAll({ limit: 3, ...(after !== undefined && { after }) });
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e', 'issued', 'f']);
  });

  it('a category is the streams that begin with its name', async () => {
    const store = await order();
    await store.append('orders-1', [event('other')], 'any');
    await store.append('order-2', [event('f')], 'any');
    expect(types(await store.readAll({ category: 'order' }))).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  it('refuses what makes no sense', async () => {
    const store = await order();
    const after = 'somewhere' as StorePosition;
    await expect(store.readAll({ after })).rejects.toMatchObject({ code: 'invalid' });
    await expect(store.read('order-1', { limit: 0 })).rejects.toMatchObject({ code: 'invalid' });
    expect(await store.read('order-9')).toEqual([]);
  });
});
