import { describe, expect, test } from 'vitest';
import { event, groupSource, hands, publish, useServer } from './harness.ts';

const bench = useServer();

async function outcome(driver: ReturnType<typeof bench.driver>, message = event()) {
  const [error] = await driver.publish([message]);
  return error?.code;
}

describe('publishing', () => {
  test('is confirmed once the server has stored the message, and the message is what was sent', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    await publish(
      driver,
      event({ id: 'one', lane: 2, headers: { traceparent: '00-1' }, body: Uint8Array.of(0, 255) }),
    );
    const raw = await bench.raw();
    const stored = await (await raw.jetstreamManager()).streams.getMessage(`${namespace}_evt`, { seq: 1 });
    expect(stored.subject).toBe(`${namespace}.evt.2.parcels.parcel-posted.v1`);
    expect(stored.header.get('Nats-Msg-Id')).toBe('one');
    expect(stored.header.get('Content-Type')).toBe('application/cloudevents+json');
    expect(stored.header.get('traceparent')).toBe('00-1');
    expect([...stored.data]).toEqual([0, 255]);
  });

  test('stores a thousand messages of one call in their order', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    const messages = Array.from({ length: 1000 }, (_, index) => event({ id: `n${index}` }));
    await publish(driver, ...messages);
    const ids: (string | undefined)[] = [];
    for await (const { message } of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }))
      ids.push(message.id);
    expect(ids).toEqual(messages.map(({ id }) => id));
  });

  test('refuses what nobody would receive, and a group or queue that does not exist', async () => {
    const driver = await bench.open();
    expect(await outcome(driver, event({ to: { kind: 'queue', context: 'depot' } }))).toBe('unroutable');
    expect(await outcome(driver, event({ to: { kind: 'group', group: 'a.b' } }))).toBe('unroutable');
  });

  test('refuses a body above the limit and carries one of exactly 1 MiB, and an empty one', async () => {
    const driver = await bench.open();
    expect(await outcome(driver, event({ body: new Uint8Array(1_048_577) }))).toBe('too-large');
    await publish(
      driver,
      event({ body: new Uint8Array(1_048_576).fill(7) }),
      event({ body: new Uint8Array(0) }),
    );
    const sizes: number[] = [];
    for await (const { message } of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false })) {
      sizes.push(message.body.byteLength);
    }
    expect(sizes).toEqual([1_048_576, 0]);
  });

  test('reports each message of a batch for itself', async () => {
    const driver = await bench.open();
    const outcomes = await driver.publish([event(), event({ lane: 99 }), event({ type: 'a b' }), event()]);
    expect(outcomes.map((each) => each?.code)).toEqual([undefined, 'invalid', 'invalid', undefined]);
  });

  test('before open and after close fails with closed', async () => {
    const driver = bench.driver();
    expect(await outcome(driver)).toBe('closed');
    await driver.open();
    await driver.close();
    expect(await outcome(driver)).toBe('closed');
  });

  test('fails with timeout when no confirmation comes', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace, requestTimeoutMs: 300 });
    const raw = await bench.raw();
    await (await raw.jetstreamManager()).streams.delete(`${namespace}_evt`);
    // Somebody takes the message who never answers.
    raw.subscribe(`${namespace}.evt.>`, { callback: () => undefined });
    await raw.flush();
    expect(await outcome(driver)).toBe('timeout');
  });
});

describe('headers', () => {
  const values: Record<string, string> = {
    plain: 'a/b "quoted" 100%',
    empty: '',
    edge: '  spaces at the ends  ',
    lines: 'a\r\nNats-Msg-Id: forged',
    controls: '\u0000\u001f\u007f',
    unicode: 'Grüße 😀 \u00a0',
    colon: ': a: b',
    'ce-subject': 'Euro € "x" %41',
  };

  test('arrive exactly as they were, edge cases included', async () => {
    const driver = await bench.open();
    await driver.declare({ groups: [{ group: 's.h', types: ['*'], from: 'new', ordering: 'by-key' }] });
    const taken = await hands(driver, groupSource('s.h'));
    await publish(
      driver,
      event({ headers: values, id: 'ü nicode', contentType: 'text/plain; charset="utf-8" ' }),
    );
    const { message } = await taken.next();
    expect(message.headers).toEqual(values);
    expect(message.id).toBe('ü nicode');
    expect(message.contentType).toBe('text/plain; charset="utf-8" ');
    expect(message.type).toBe('parcels.parcel-posted.v1');
  });

  test.for(['nats-msg-id', 'content-type', 'waggle-type', 'waggle-encoded', 'Upper', 'with space', ''])(
    'called "%s" are refused',
    async (name) => {
      const driver = await bench.open();
      expect(await outcome(driver, event({ headers: { [name]: 'x' } }))).toBe('invalid');
    },
  );

  test('with half a surrogate pair are refused', async () => {
    expect(await outcome(await bench.open(), event({ headers: { half: '\ud83d' } }))).toBe('invalid');
  });

  test('of a foreign binary-mode event are read in lower case and decoded as its binding says', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    const raw = await bench.raw();
    const { headers } = await import('nats');
    const sent = headers();
    sent.set('Ce-Id', '7');
    sent.set('ce-subject', 'Euro%20%E2%82%AC');
    sent.set('ce-source', '"quoted \\"source\\""');
    sent.set('Traceparent', '100%');
    await raw.jetstream().publish(`${namespace}.evt.1.a.b.v1`, 'data', { headers: sent });
    for await (const { message } of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false })) {
      expect(message.headers).toEqual({
        'ce-id': '7',
        'ce-subject': 'Euro €',
        'ce-source': 'quoted "source"',
        traceparent: '100%',
      });
      expect([message.id, message.contentType, message.type]).toEqual([undefined, undefined, 'a.b.v1']);
    }
  });

  test('of a dead letter keep the type, which its subject does not have', async () => {
    const driver = await bench.open();
    await publish(
      driver,
      event({ to: { kind: 'dead-letters' }, type: 'waggle.dead.v1', headers: { a: 'b' } }),
    );
    for await (const { message, position } of driver.read(
      { kind: 'dead-letters' },
      { from: 'beginning', follow: false },
    )) {
      expect([message.type, message.headers, position]).toEqual(['waggle.dead.v1', { a: 'b' }, '1']);
    }
  });
});
