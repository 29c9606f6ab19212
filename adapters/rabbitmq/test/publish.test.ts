import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PrivateServer, startPrivateServer } from '@waggle/test/servers';
import { codeOf, createInbox, createStable, message, mustPublish, TYPE, uniqueNamespace } from './harness.ts';

let server: PrivateServer;
let stable: ReturnType<typeof createStable>;

beforeAll(async () => {
  server = await startPrivateServer('rabbitmq');
  stable = createStable(() => server.url);
}, 60_000);
afterAll(async () => {
  await stable?.closeAll();
  await server?.stop();
});

const groupOf = (group: string) => ({ kind: 'group', group }) as const;

describe('publishing', () => {
  it('confirms an event that no group receives, because the log keeps it', async () => {
    const driver = await stable.open(uniqueNamespace());
    expect(await driver.publish([message('one')])).toEqual([undefined]);
  });

  it('answers unroutable for an unknown queue or group, and for these alone, also when ids repeat', async () => {
    const driver = await stable.open(uniqueNamespace());
    await driver.declare({ queues: ['depot'] });
    const outcomes = await driver.publish([
      message('same', { to: { kind: 'queue', context: 'depot' } }),
      message('same', { to: { kind: 'queue', context: 'nobody' } }),
      message('same'),
      message('same', { to: groupOf('nobody.there') }),
      message('same', { to: { kind: 'queue', context: 'nobody' } }),
      message('same', { to: { kind: 'dead-letters' } }),
    ]);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual([
      undefined,
      'unroutable',
      undefined,
      'unroutable',
      'unroutable',
      undefined,
    ]);
  });

  it('refuses what is too large before it is sent, and carries what is just small enough', async () => {
    const driver = await stable.open(uniqueNamespace());
    await driver.declare({ queues: ['depot'] });
    const inbox = createInbox();
    await driver.consume(
      { source: { kind: 'queue', context: 'depot' }, ordering: 'by-key', concurrency: 1 },
      inbox.deliver,
    );
    const body = Buffer.alloc(1_048_576, 7);
    const to = { kind: 'queue', context: 'depot' } as const;
    const [large, fits] = await driver.publish([
      message('large', { to, body: Buffer.alloc(1_048_577) }),
      message('fits', { to, body }),
    ]);
    expect([large?.code, fits]).toEqual(['too-large', undefined]);
    await inbox.until((all) => all.length === 1);
    expect(Buffer.compare(inbox.deliveries[0]?.message.body ?? Buffer.alloc(0), body)).toBe(0);
  });

  it('carries headers with awkward values exactly, through a queue and through the log', async () => {
    const driver = await stable.open(uniqueNamespace());
    await driver.declare({ queues: ['depot'] });
    const values = [
      '',
      ' ',
      ' x ',
      '/a//b',
      '"quoted"',
      "it's",
      'a\nb',
      'a\r\nb',
      '\t',
      '\u0000',
      '\u0001\u001f',
      '\u007f',
      'ü',
      'æøå',
      '日本語',
      '🐝',
      'e\u0301',
      '\u202e',
      '%20',
      'a=b;c',
      '{"a":1}',
      'true',
      '42',
      'x'.repeat(5_000),
    ];
    const headers = Object.fromEntries(values.map((value, index) => [`edge-${index}`, value]));
    const inbox = createInbox();
    await driver.consume(
      { source: { kind: 'queue', context: 'depot' }, ordering: 'by-key', concurrency: 1 },
      inbox.deliver,
    );
    await mustPublish(
      driver,
      message('q', { to: { kind: 'queue', context: 'depot' }, headers }),
      message('s', { headers }),
    );
    await inbox.until((all) => all.length === 1);
    expect(inbox.deliveries[0]?.message.headers).toEqual(headers);
    const logged = [];
    for await (const entry of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }))
      logged.push(entry.message);
    expect(logged.map((entry) => entry.headers)).toEqual([headers]);
    expect(logged.map(({ id, type, contentType }) => ({ id, type, contentType }))).toEqual([
      { id: 's', type: TYPE, contentType: 'application/json' },
    ]);
  });

  it('refuses what AMQP would not carry exactly', async () => {
    const driver = await stable.open(uniqueNamespace());
    const outcomes = await driver.publish([
      message('half', { headers: { broken: '\ud800' } }),
      message('name', { headers: { 'Upper-Case': 'x' } }),
      message('reserved', { headers: { 'waggle-attempt': '3' } }),
      message('x'.repeat(256)),
      message('huge', { headers: { big: 'x'.repeat(200_000) } }),
      message('fine', { headers: { ok: 'x' } }),
    ]);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual([
      'invalid',
      'invalid',
      'invalid',
      'invalid',
      'invalid',
      undefined,
    ]);
  });

  it('carries a body that is not text, and an empty one', async () => {
    const driver = await stable.open(uniqueNamespace());
    const bodies = [
      Buffer.from([0, 255, 254, 128, 10]),
      Buffer.alloc(0),
      new Uint8Array([1, 2, 3]).subarray(1),
    ];
    await mustPublish(
      driver,
      ...bodies.map((body, index) => message(`b${index}`, { body, to: { kind: 'dead-letters' } })),
    );
    const read = [];
    for await (const entry of driver.read({ kind: 'dead-letters' }, { from: 'beginning', follow: false }))
      read.push([...entry.message.body]);
    expect(read).toEqual([[0, 255, 254, 128, 10], [], [2, 3]]);
  });

  it('redrives to one group alone, whichever its ordering', async () => {
    const driver = await stable.open(uniqueNamespace());
    const groups = ['shop.ordered', 'shop.loose', 'shop.other'];
    await driver.declare({
      groups: groups.map((group) => ({
        group,
        types: [TYPE],
        from: 'new',
        ordering: group === 'shop.loose' ? 'none' : 'by-key',
      })),
    });
    const inboxes = groups.map(() => createInbox());
    for (const [index, group] of groups.entries())
      await driver.consume(
        { source: groupOf(group), ordering: index === 1 ? 'none' : 'by-key', concurrency: 5 },
        (delivery) => inboxes[index]?.deliver(delivery),
      );
    await mustPublish(
      driver,
      message('r1', { to: groupOf('shop.ordered'), lane: 1 }),
      message('r2', { to: groupOf('shop.loose'), lane: 1 }),
    );
    await mustPublish(driver, message('all', { lane: 1 }));
    await Promise.all(inboxes.map((inbox) => inbox.until(() => inbox.ids().includes('all'))));
    expect(inboxes.map((inbox) => inbox.ids().sort())).toEqual([['all', 'r1'], ['all', 'r2'], ['all']]);
    expect(inboxes[1]?.deliveries.map(({ lane, message: { headers } }) => [lane, headers])).toEqual([
      [1, {}],
      [1, {}],
    ]);
  });

  it('answers denied, without the credentials, where the user may not write', async () => {
    await server.ctl('add_user', 'reader', 'se-cret');
    const namespace = uniqueNamespace();
    await server.ctl('set_permissions', 'reader', '.*', '^(?!.*\\.cmd$).*', '.*');
    const driver = await stable.open(
      namespace,
      {},
      { url: server.url.replace('guest:guest', 'reader:se-cret') },
    );
    const outcomes = await driver.publish([message('no', { to: { kind: 'queue', context: 'depot' } })]);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual(['denied']);
    expect(JSON.stringify([outcomes[0]?.message, String(outcomes[0]?.cause)])).not.toContain('se-cret');
    expect(await driver.publish([message('yes')])).toEqual([undefined]);
  });

  it('times out when the server does not confirm, and answers unavailable when it nacks', async () => {
    const driver = await stable.open(uniqueNamespace(), { requestTimeoutMs: 1_000 });
    await server.ctl('set_vm_memory_high_watermark', 'absolute', '1');
    try {
      const outcomes = await driver.publish([message('blocked')]);
      expect(outcomes.map((outcome) => outcome?.code)).toEqual(['timeout']);
    } finally {
      await server.ctl('set_vm_memory_high_watermark', '0.4');
    }
    expect(codeOf((await driver.publish([message('after')]))[0] ?? 'confirmed')).toBe(
      'not a MessagingError: confirmed',
    );
  });

  it('publishes thousands at once in the order given', async () => {
    const driver = await stable.open(uniqueNamespace());
    const ids = Array.from({ length: 4_000 }, (_, index) => `m${index}`);
    await mustPublish(driver, ...ids.map((id) => message(id)));
    const read = [];
    for await (const entry of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }))
      read.push(entry.message.id);
    expect(read).toEqual(ids);
  });
});
