import { MessagingError, silentLogger } from '@waggle/kernel';
import { describe, expect, it } from 'vitest';
import type { BrokerConnection, Delivery, Outcome } from '../src/index.ts';
import { letter, loft, settled } from './pigeon.ts';

const group = { kind: 'group', group: 'mail.sort' } as const;
const options = { source: group, ordering: 'none', concurrency: 1 } as const;
const codes = (outcomes: readonly Outcome[]) => outcomes.map((outcome) => outcome?.code);
const never = (): Promise<never> => new Promise(() => undefined);

describe('opening', () => {
  it('closes the connection that comes after it was given up', async () => {
    const arrival = Promise.withResolvers<BrokerConnection>();
    let closed = 0;
    const { driver } = loft({}, { connect: () => arrival.promise });
    const abort = new AbortController();
    const opening = driver.open({ signal: abort.signal });
    abort.abort(new Error('changed my mind'));
    await expect(opening).rejects.toThrow('changed my mind');
    expect(driver.status).toBe('new');
    arrival.resolve({ close: async () => void closed++ } as BrokerConnection);
    await settled();
    expect(closed).toBe(1);
  });

  it('ends when a connection that never comes is waited for too long', async () => {
    const { driver, clock } = loft({}, { connect: never });
    const opening = driver.open().catch((error: unknown) => error);
    await clock.advance(10_000);
    expect(await opening).toMatchObject({ code: 'timeout' });
    expect(clock.pending).toBe(0);
  });

  it('says at the first failure that it waits, and for what', async () => {
    const said: unknown[] = [];
    const logger = { ...silentLogger, warn: (what: string, fields?: object) => said.push([what, fields]) };
    const connect = async () => {
      throw new MessagingError('unavailable', 'nobody at pigeon:1');
    };
    const { driver, clock } = loft({}, { connect }, { logger });
    const opening = driver.open({ waitMs: 1_000 }).catch((error: unknown) => error);
    await clock.advance(1_000);
    expect(await opening).toMatchObject({ code: 'unavailable' });
    const fields = { waitMs: 1_000, reason: '[waggle] nobody at pigeon:1' };
    expect(said).toEqual([['the broker cannot be reached; waiting for it', fields]]);
  });

  it('is final at once for what trying again does not help', async () => {
    let attempts = 0;
    const connect = async () => {
      attempts++;
      throw new MessagingError('denied', 'no entry');
    };
    const { driver } = loft({}, { connect });
    await expect(driver.open({ waitMs: 60_000 })).rejects.toMatchObject({ code: 'denied' });
    expect(attempts).toBe(1);
  });
});

describe('a request', () => {
  it('is asked again on the next connection, and ends with its deadline', async () => {
    let asked = 0;
    const { driver, clock, flyAway, land } = loft({
      lag: () => (++asked === 2 ? Promise.resolve(7) : never()),
    });
    await driver.open();
    const lag = driver.lag(group);
    await settled();
    flyAway();
    land();
    expect(await lag).toBe(7);
    const late = driver.lag(group).catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await late).toMatchObject({ code: 'timeout' });
    expect(clock.pending).toBe(0);
  });

  it('waits for a connection no longer than its deadline', async () => {
    const { driver, clock, flyAway } = loft();
    await driver.open();
    flyAway();
    const late = driver.describe().catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await late).toMatchObject({ code: 'unavailable' });
  });
});

describe('a message', () => {
  it('that is not confirmed in time is late, and one that cannot be sent is unavailable', async () => {
    const { driver, clock, flyAway } = loft({ publish: () => undefined });
    await driver.open();
    const late = driver.publish([letter('a'), letter('b')]);
    await clock.advance(5_000);
    expect(codes(await late)).toEqual(['timeout', 'timeout']);
    flyAway();
    const unsent = driver.publish([letter('c')]);
    await clock.advance(5_000);
    expect(codes(await unsent)).toEqual(['unavailable']);
    expect(clock.pending).toBe(0);
  });

  it('waits here while many are on their way, so that a flood does not fill the memory of the client', async () => {
    const confirms: (() => void)[] = [];
    let most = 0;
    const { driver } = loft({
      publish: (_, confirm) => {
        confirms.push(() => confirm(undefined));
        most = Math.max(most, confirms.length);
      },
    });
    await driver.open();
    const publishing = driver.publish(Array.from({ length: 10_000 }, (_, at) => letter(`l${at}`)));
    await settled();
    expect(confirms.length).toBe(2_048);
    for (let confirm = confirms.shift(); confirm !== undefined; confirm = confirms.shift()) confirm();
    expect(codes(await publishing)).toEqual(Array(10_000).fill(undefined));
    expect(most).toBe(2_048);
  });

  it('that is late gives its place to one that waits', async () => {
    let answers = false;
    const { driver, clock } = loft({ publish: (_, confirm) => answers && confirm(undefined) });
    await driver.open();
    const many = driver.publish(Array.from({ length: 2_048 }, (_, at) => letter(`l${at}`)));
    await clock.advance(1_000);
    const waiting = driver.publish([letter('next')]);
    answers = true;
    await clock.advance(4_000);
    expect(new Set(codes(await many))).toEqual(new Set(['timeout']));
    expect(codes(await waiting)).toEqual([undefined]);
  });

  it('that no broker would take is refused alone, also without a connection', async () => {
    const { driver, flyAway, land } = loft();
    await driver.open();
    flyAway();
    const publishing = driver.publish([
      letter('good'),
      letter('lane', { lane: 4 }),
      letter('large', { body: new Uint8Array(1_001) }),
      letter('header', { headers: { 'waggle-mine': 'x' } }),
      letter('good too'),
    ]);
    land();
    expect(codes(await publishing)).toEqual([undefined, 'invalid', 'too-large', 'invalid', undefined]);
  });
});

describe('a consumer', () => {
  it('is declared and attached again on each connection, and takes over from the one before', async () => {
    const done: string[] = [];
    let count = 0;
    const { driver, flyAway, land } = loft({
      declare: async ({ groups }) => void done.push(`declare ${groups.map((one) => one.group).join()}`),
      async consume(_, __, { previous }) {
        done.push(`attach, before: ${previous === undefined ? 'none' : String(Object(previous).number)}`);
        return Object.assign({ number: ++count }, { pause() {}, resume() {}, close: async () => undefined });
      },
    });
    await driver.open();
    await driver.declare({ groups: [{ group: 'mail.sort', types: ['*'], from: 'new', ordering: 'none' }] });
    await driver.consume(options, () => undefined);
    flyAway();
    land();
    await settled();
    expect(done).toEqual([
      'declare mail.sort',
      'attach, before: none',
      'declare mail.sort',
      'attach, before: 1',
    ]);
  });

  it('that was attached late is not closed for the one that took over from it, which is the same', async () => {
    const done: string[] = [];
    const attached: (() => void)[] = [];
    const only = { pause() {}, resume() {}, close: async () => void done.push('closed') };
    const { driver, clock, flyAway, land } = loft({
      async consume() {
        done.push('attaching');
        if (done.length > 1) await new Promise<void>((resolve) => attached.push(resolve));
        return only;
      },
    });
    await driver.open();
    await driver.consume(options, () => undefined);
    flyAway();
    land();
    await settled();
    await clock.advance(7_000); // and so another attempt
    expect(done).toEqual(['attaching', 'attaching', 'attaching']);
    for (const resolve of attached.toReversed()) {
      resolve();
      await settled();
    }
    expect(done).toEqual(['attaching', 'attaching', 'attaching']);
  });

  it('tells what it missed, also where its user throws', async () => {
    const missed: number[] = [];
    let miss: ((count: number) => void) | undefined;
    const { driver } = loft({
      async consume({ onMissed }) {
        miss = onMissed;
        return { pause() {}, resume() {}, close: async () => undefined };
      },
    });
    await driver.open();
    const onMissed = (count: number): void => {
      missed.push(count);
      throw new Error('oops');
    };
    await driver.consume({ ...options, onMissed }, () => undefined);
    miss?.(3);
    miss?.(4);
    expect(missed).toEqual([3, 4]);
  });

  it('whose user throws hands the message back', async () => {
    const settlements: string[] = [];
    const delivery = { release: () => settlements.push('released') };
    let deliver = (_: Delivery): void => undefined;
    const { driver } = loft({
      async consume(_, given) {
        deliver = given;
        return { pause() {}, resume() {}, close: async () => undefined };
      },
    });
    await driver.open();
    const consumer = await driver.consume(options, () => {
      throw new Error('oops');
    });
    deliver(delivery as unknown as Delivery);
    await consumer.close();
    deliver(delivery as unknown as Delivery);
    expect(settlements).toEqual(['released', 'released']);
  });

  it('that is asked for with another ordering than was declared is a conflict', async () => {
    const { driver } = loft();
    await driver.open();
    await driver.declare({ groups: [{ group: 'mail.sort', types: ['*'], from: 'new', ordering: 'by-key' }] });
    const consuming = driver.consume(options, () => undefined);
    await expect(consuming).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/group mail\.sort .*"by-key".*"none"/),
    });
  });
});

describe('closing', () => {
  it('at whatever moment of an opening leaves no connection behind', async () => {
    for (let turns = 0; turns < 60; turns++) {
      let open = 0;
      const { driver } = loft(
        {},
        {
          async connect() {
            open++;
            for (let turn = 0; turn < turns % 15; turn++) await Promise.resolve();
            return { close: async () => void open-- } as BrokerConnection;
          },
        },
      );
      const opening = driver.open().catch(() => undefined);
      for (let turn = 0; turn < turns / 15; turn++) await Promise.resolve();
      await driver.close();
      await opening;
      await settled();
      expect([open, driver.status]).toEqual([0, 'closed']);
    }
  });

  it('ends what is under way: a consumer that attaches, a publish that waits for a reader', async () => {
    const attached = Promise.withResolvers<void>();
    let left = 0;
    let confirm = (): void => undefined;
    const { driver } = loft({
      head: never,
      publish: (_, confirmed) => (confirm = () => confirmed(undefined)),
      async consume() {
        await attached.promise;
        return { pause() {}, resume() {}, close: async () => void left++ };
      },
    });
    await driver.open();
    const first = driver.publish([letter('a')]);
    await settled();
    const reading = driver
      .read({ kind: 'stream' }, { from: 'new', follow: true })
      [Symbol.asyncIterator]()
      .next();
    const read = expect(reading).rejects.toMatchObject({ code: 'closed' });
    await settled();
    const second = driver.publish([letter('b')]);
    const consuming = expect(driver.consume(options, () => undefined)).rejects.toMatchObject({
      code: 'closed',
    });
    await settled();
    const closing = driver.close();
    attached.resolve();
    await consuming;
    confirm();
    await Promise.all([closing, read]);
    expect([codes(await first), codes(await second), left]).toEqual([[undefined], ['closed'], 1]);
  });

  it('leaves first, then waits for what is on its way, then ends the connection', async () => {
    const done: string[] = [];
    let confirm = (): void => undefined;
    const { driver } = loft({
      publish(_, confirmed) {
        confirm = () => {
          done.push('confirmed');
          confirmed(undefined);
        };
      },
      consume: async () => ({ pause() {}, resume() {}, close: async () => void done.push('consumer') }),
      close: async () => void done.push('connection'),
    });
    await driver.open();
    await driver.consume(options, () => undefined);
    const publishing = driver.publish([letter('a')]);
    const closing = [driver.close(), driver.close()];
    expect(driver.status).toBe('closed');
    await settled();
    confirm();
    expect(codes(await publishing)).toEqual([undefined]);
    await Promise.all(closing);
    expect(done).toEqual(['consumer', 'confirmed', 'connection']);
    expect(codes(await driver.publish([letter('b')]))).toEqual(['closed']);
  });

  it('waits for nothing that hangs longer than a deadline', async () => {
    const { driver, clock } = loft({
      publish: () => undefined,
      consume: async () => ({ pause() {}, resume() {}, close: never }),
      close: never,
    });
    await driver.open();
    await driver.consume(options, () => undefined);
    const publishing = driver.publish([letter('a')]);
    const closing = driver.close();
    await clock.advance(15_000);
    await closing;
    expect(codes(await publishing)).toEqual(['timeout']);
    expect(clock.pending).toBe(0);
  });
});
