import { parcelArrived, sendParcel } from '@waggle/contracts/testing';
import { MessagingError, onCommand, onEvent, Reject } from '@waggle/kernel';
import { expect, test, describe } from 'vitest';
import type { Host, HostOptions } from '../src/index.ts';
import { aHost, aService, memoryDriver } from './start.ts';

const CONSUMER = 'testing.react';
const headers = { 'content-type': 'application/json' };

/** A host that gives up on every event, while `broken`, and on every command. */
async function aHostThatGivesUp(more: Partial<HostOptions> = {}) {
  const state = { broken: true, handled: [] as string[] };
  const handlers = [
    onEvent('react', parcelArrived, async ({ id }) => {
      if (state.broken) throw new Reject(`${id} is not wanted`);
      state.handled.push(id);
    }),
    onCommand('refuse', sendParcel, () => Promise.reject(new Reject('never'))),
  ];
  const host = await aHost([aService({ handlers })], { environment: { NAMESPACE: 'shop' }, ...more });
  const event = (id: string) => {
    const { type, data } = parcelArrived(parcelArrived.example);
    return { specversion: '1.0' as const, id, source: '/test', type, data };
  };
  const giveUpOn = async (...ids: string[]) => {
    const before = (await host.messaging.deadLetters.list()).length;
    await host.messaging.events.publish(...ids.map(event));
    const count = async () => (await host.messaging.deadLetters.list()).length;
    await expect.poll(count).toBe(before + ids.length);
  };
  return { host, state, giveUpOn };
}

async function ask(host: Host, path: string, body?: unknown) {
  const post = { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await host.request(path, body === undefined ? {} : post);
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever a host answers
  const json: any = await response.json();
  return { status: response.status, type: response.headers.get('content-type'), json };
}

test('what was given up on is listed, without bodies, and looked at one by one, with all of it', async () => {
  const { host, giveUpOn } = await aHostThatGivesUp();
  await giveUpOn('a', 'b/?#%c');
  const { status, json } = await ask(host, '/dead-letters');
  expect(status).toBe(200);
  expect(json).toMatchObject({ namespace: 'shop', total: 2 });
  expect(json.next).toBeUndefined();
  const [first, second] = json.deadLetters;
  expect(first).toMatchObject({
    id: `${CONSUMER}/a`,
    consumer: CONSUMER,
    origin: 'stream',
    cause: 'rejected',
    reason: 'a is not wanted',
    attempts: 1,
    messageId: 'a',
    messageType: parcelArrived.type,
  });
  expect(first).not.toHaveProperty('body');
  const shown = await ask(host, second.href);
  expect(shown.json).toMatchObject({ ...second, headers: expect.any(Object), bodyEncoding: 'utf-8' });
  expect(JSON.parse(shown.json.body)).toMatchObject({ id: 'b/?#%c', data: parcelArrived.example });
  expect(shown.json.bodyBytes).toBe(Buffer.byteLength(shown.json.body));
});

test('a body that is not text is shown in Base64', async () => {
  const { host } = await aHostThatGivesUp({
    environment: { NAMESPACE: 'shop' },
  });
  const body = new Uint8Array([0xff, 0x00, 0xfe]);
  const data = new Uint8Array([1]);
  await host.messaging.events.publish({
    specversion: '1.0',
    id: 'binary',
    source: '/test',
    type: parcelArrived.type,
    data,
  });
  await expect.poll(async () => (await ask(host, '/dead-letters')).json.total).toBe(1);
  // The envelope is text; what is inside it in Base64 stays as it came.
  const { json } = await ask(host, `/dead-letters/${encodeURIComponent(`${CONSUMER}/binary`)}`);
  expect(json).toMatchObject({ cause: 'schema', bodyEncoding: 'utf-8' });
  const { detailsOf } = await import('../src/dead-letter-view.ts');
  expect(detailsOf({ ...json, headers: {}, body })).toMatchObject({
    bodyEncoding: 'base64',
    body: '/wD+',
    bodyBytes: 3,
  });
});

describe('a list', () => {
  test('comes in pages that lead to one another', async () => {
    const { host, giveUpOn } = await aHostThatGivesUp();
    await giveUpOn('a', 'b', 'c', 'd', 'e');
    const seen: string[] = [];
    let path: string | undefined = `/dead-letters?limit=2&consumer=${CONSUMER}`;
    for (let pages = 0; path !== undefined; pages++) {
      expect(pages).toBeLessThan(3);
      const { json } = await ask(host, path);
      expect(json.total).toBe(5);
      seen.push(...json.deadLetters.map(({ messageId }: { messageId: string }) => messageId));
      path = json.next;
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('is narrowed down', async () => {
    const { host, giveUpOn } = await aHostThatGivesUp();
    await giveUpOn('a', 'b');
    for (const [query, total] of [
      ['reason=B+IS', 1],
      ['cause=schema', 0],
      ['since=2020-01-01T00:00:00Z', 2],
      ['before=2020-01-01T00:00:00Z', 0],
      [`messageType=${parcelArrived.type}`, 2],
    ]) {
      expect((await ask(host, `/dead-letters?${query}`)).json.total, String(query)).toBe(total);
    }
  });

  test.each([
    'consummer=x',
    'limit=0',
    'limit=1001',
    'limit=x',
    'since=yesterday',
    'cause=bad',
    'id=',
    'after=x',
  ])('by %s is refused', async (query) => {
    const { host } = await aHostThatGivesUp();
    const { status, type } = await ask(host, `/dead-letters?${query}`);
    expect([status, type]).toEqual([422, 'application/problem+json']);
  });
});

test('one is redriven, to the group that gave up on it; a dry run only tells', async () => {
  const { host, state, giveUpOn } = await aHostThatGivesUp();
  await giveUpOn('a', 'b');
  state.broken = false;
  const path = `/dead-letters/${encodeURIComponent(`${CONSUMER}/b`)}/redrive`;
  const dry = await ask(host, path, { dryRun: true });
  expect(dry.json).toMatchObject({
    namespace: 'shop',
    dryRun: true,
    total: 1,
    deadLetters: [{ messageId: 'b' }],
  });
  expect(await ask(host, path, {})).toMatchObject({ status: 200, json: { dryRun: false, total: 1 } });
  await expect.poll(() => state.handled).toEqual(['b']);
  expect(await ask(host, path, {})).toMatchObject({ status: 404, type: 'application/problem+json' });
  expect((await ask(host, '/dead-letters')).json.deadLetters).toMatchObject([{ messageId: 'a' }]);
});

test('one that holds its lane says so, and is handled in its place when it is redriven', async () => {
  const state = { broken: true, handled: [] as string[] };
  const react = onEvent(
    'react',
    parcelArrived,
    async ({ id }) => {
      if (state.broken && id === 'a') throw new Reject('not yet');
      state.handled.push(id);
    },
    { afterDeadLetter: 'halt' },
  );
  const host = await aHost([aService({ handlers: [react] })]);
  const { type, data } = parcelArrived(parcelArrived.example);
  const event = (id: string) =>
    ({ specversion: '1.0', id, source: '/test', type, data, partitionkey: 'k' }) as const;
  await host.messaging.events.publish(event('a'), event('b'));
  const listed = async () => (await ask(host, '/dead-letters')).json.deadLetters;
  await expect.poll(listed).toMatchObject([{ messageId: 'a', held: true }]);
  state.broken = false;
  await ask(host, '/dead-letters/redrive', { all: true });
  await expect.poll(() => state.handled, { timeout: 20_000 }).toEqual(['a', 'b']);
});

test('those of a filter are redriven or discarded, and all when that is said', async () => {
  const { host, state, giveUpOn } = await aHostThatGivesUp();
  await giveUpOn('a', 'b', 'c');
  state.broken = false;
  expect((await ask(host, '/dead-letters/discard', { reason: 'a is', dryRun: true })).json.total).toBe(1);
  expect((await ask(host, '/dead-letters/discard', { reason: 'a is' })).json.total).toBe(1);
  expect((await ask(host, '/dead-letters/redrive', { all: true, dryRun: true })).json.total).toBe(2);
  expect((await ask(host, '/dead-letters/redrive', { all: true })).json.total).toBe(2);
  await expect.poll(() => state.handled.toSorted()).toEqual(['b', 'c']);
  expect((await ask(host, '/dead-letters')).json.total).toBe(0);
});

describe('nothing is done where it is not said which', () => {
  test.each<[string, unknown, number]>([
    ['an empty filter', {}, 422],
    ['a dry run of nothing', { dryRun: true }, 422],
    ['all, and a filter', { all: true, consumer: CONSUMER }, 422],
    ['not all', { all: false }, 422],
    ['a misspelt filter', { consummer: CONSUMER }, 422],
    ['an empty name', { consumer: '' }, 422],
    ['a list', [], 422],
  ])('%s is refused', async (_, body, expected) => {
    const { host, giveUpOn } = await aHostThatGivesUp();
    await giveUpOn('a');
    for (const action of ['redrive', 'discard']) {
      const { status, type } = await ask(host, `/dead-letters/${action}`, body);
      expect([status, type]).toEqual([expected, 'application/problem+json']);
    }
    expect((await ask(host, '/dead-letters')).json.total).toBe(1);
  });

  test('nor by a form of another page: the body has to be JSON', async () => {
    const { host, giveUpOn } = await aHostThatGivesUp();
    await giveUpOn('a');
    const one = `/dead-letters/${encodeURIComponent(`${CONSUMER}/a`)}/discard`;
    for (const path of ['/dead-letters/discard', one]) {
      const form = { 'content-type': 'text/plain' };
      const body = '{"all":true}';
      expect((await host.request(path, { method: 'POST', headers: form, body })).status).toBe(415);
      expect((await host.request(path, { method: 'POST' })).status).toBeOneOf([415, 422]);
    }
    expect((await ask(host, '/dead-letters')).json.total).toBe(1);
  });
});

test.each([
  ['unroutable', 409, 'there is no group (at testing.react/b; 1 of 3 were redriven before it)'],
  ['unavailable', 503, 'The broker is not available at the moment: try again'],
] as const)(
  'a redrive that stops because the broker says %s is a problem; what is left is listed',
  async (code, status, detail) => {
    let left = 1;
    const driver = memoryDriver(undefined, (whole) => ({
      publish: async (messages) =>
        messages.some(({ to }) => to.kind === 'group') && left-- <= 0
          ? messages.map(() => new MessagingError(code, 'there is no group'))
          : whole.publish(messages),
    }));
    const { host, giveUpOn, state } = await aHostThatGivesUp({ driver });
    await giveUpOn('a', 'b', 'c');
    state.broken = false;
    const { json, ...answer } = await ask(host, '/dead-letters/redrive', { all: true });
    expect([answer.status, json.detail]).toEqual([status, detail]);
    expect((await ask(host, '/dead-letters')).json.total).toBe(2);
  },
);

test('without the token nobody sees or moves anything', async () => {
  const { host } = await aHostThatGivesUp({ environment: { API_TOKEN: 'sesame' } });
  for (const path of ['/dead-letters', '/dead-letters/x']) expect((await ask(host, path)).status).toBe(401);
  for (const path of ['/dead-letters/redrive', '/dead-letters/discard', '/dead-letters/x/discard'])
    expect((await ask(host, path, { all: true })).status).toBe(401);
});

test('they stand in the OpenAPI document', async () => {
  const { host } = await aHostThatGivesUp();
  const { paths } = (await ask(host, '/openapi.json')).json;
  expect(Object.keys(paths).filter((path) => path.startsWith('/dead-letters'))).toEqual([
    '/dead-letters',
    '/dead-letters/{id}',
    '/dead-letters/redrive',
    '/dead-letters/{id}/redrive',
    '/dead-letters/discard',
    '/dead-letters/{id}/discard',
  ]);
});
