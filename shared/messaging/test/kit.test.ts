import { describe, expect, it } from 'vitest';
import type { Attaching, ConsumeOptions, Reading } from '../src/index.ts';
import { letter, loft, settled } from './pigeon.ts';

const consuming: ConsumeOptions = {
  source: { kind: 'queue', context: 'mail' },
  ordering: 'by-key',
  concurrency: 1,
};

describe('the kit', () => {
  it('leaves the time of connecting again to a broker that tells when it can be reached', async () => {
    const { clock, driver, flyAway, land } = loft();
    await driver.open();
    flyAway();
    await settled();
    expect([driver.status, clock.pending]).toEqual(['reconnecting', 0]);
    land();
    await settled();
    expect(driver.status).toBe('open');
  });

  it('ends a reading that is aborted while there is no connection', async () => {
    const { driver, flyAway } = loft({ head: () => new Promise(() => undefined) });
    await driver.open();
    const abort = new AbortController();
    const readings = (['beginning', 'new'] as const).map((from) =>
      driver.read({ kind: 'stream' }, { from, follow: true, signal: abort.signal }),
    );
    flyAway();
    const ends = readings.map((reading) => reading[Symbol.asyncIterator]().next());
    await settled();
    abort.abort();
    expect(await Promise.all(ends)).toEqual(Array(2).fill({ done: true, value: undefined }));
  });

  it('reads on behind what was read, and says so, because that need not be kept any more', async () => {
    const asked: (readonly [string | undefined, boolean])[] = [];
    const { driver, flyAway, land } = loft({
      async *read(_, { after, resumed, signal }: Reading) {
        asked.push([after, resumed]);
        if (after === 'p1') yield { message: { headers: {}, body: new Uint8Array() }, position: 'p2' };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    await driver.open();
    const abort = new AbortController();
    const options = { from: { after: 'p1' }, follow: true, signal: abort.signal };
    const reader = driver.read({ kind: 'stream' }, options)[Symbol.asyncIterator]();
    expect((await reader.next()).value?.position).toBe('p2');
    const next = reader.next();
    await settled();
    flyAway();
    land();
    await settled();
    abort.abort();
    expect((await next).done).toBe(true);
    expect(asked).toEqual([
      ['p1', false],
      ['p2', true],
    ]);
  });

  it('survives a connection that refuses a flood at once', async () => {
    const { driver } = loft({
      publish() {
        throw new Error('no');
      },
    });
    await driver.open();
    const outcomes = await driver.publish(Array.from({ length: 50_000 }, (_, at) => letter(`l${at}`)));
    expect(new Set(outcomes.map((outcome) => outcome?.code))).toEqual(new Set(['invalid']));
    expect(outcomes).toHaveLength(50_000);
  });

  it('attaches again a consumer that ended, once, also when it ended while it was being attached', async () => {
    let attached = 0;
    const ends: Attaching['ended'][] = [];
    const { driver } = loft({
      async consume(_options, _deliver, { ended }) {
        ends.push(ended);
        if (ends.length === 1) ended('at once');
        await settled();
        attached++;
        return { pause() {}, resume() {}, close: async () => undefined };
      },
    });
    await driver.open();
    await driver.consume(consuming, () => undefined);
    await expect.poll(() => attached).toBe(2);
    ends.at(-1)?.('later');
    ends.at(-1)?.('and once more');
    await expect.poll(() => attached).toBe(3);
    await settled();
    expect(ends).toHaveLength(3);
  });

  it('does not attach a consumer again that is paused, until it goes on', async () => {
    const calls: string[] = [];
    const { driver, flyAway, land } = loft({
      async consume() {
        calls.push('consume');
        const call = (name: string) => () => void calls.push(name);
        return { pause: call('pause'), resume: call('resume'), close: async () => undefined };
      },
    });
    await driver.open();
    const consumer = await driver.consume(consuming, () => undefined);
    consumer.pause();
    consumer.resume();
    consumer.pause();
    flyAway();
    land();
    await settled();
    expect(calls).toEqual(['consume', 'pause', 'resume', 'pause']);
    consumer.resume();
    await settled();
    expect(calls.slice(4)).toEqual(['consume']);
    await consumer.close();
    consumer.resume();
    await settled();
    expect(calls.slice(4)).toEqual(['consume']);
  });

  it('sends again what was not confirmed, first and in order', async () => {
    const sent: string[] = [];
    const confirms: (() => void)[] = [];
    const { driver, flyAway, land } = loft({
      publish(message, confirm) {
        sent.push(message.id);
        confirms.push(() => confirm(undefined));
      },
    });
    await driver.open();
    const publishing = driver.publish([letter('a'), letter('b')]);
    flyAway();
    const later = driver.publish([letter('c')]);
    for (const confirm of confirms) confirm(); // too late
    land();
    await settled();
    expect(sent).toEqual(['a', 'b', 'a', 'b', 'c']);
    for (const confirm of confirms) confirm();
    expect([await publishing, await later]).toEqual([[undefined, undefined], [undefined]]);
  });
});
