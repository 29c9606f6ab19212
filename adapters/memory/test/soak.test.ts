import { describe, expect, it } from 'vitest';
import { seededRandom, virtualClock, type Delivery } from '@waggle/messaging';
import { createMemoryBroker, createMemoryDriver } from '../src/index.ts';
import { group, message, settings } from './setup.ts';

const MESSAGES = 300;

/** Three replicas handle messages at their own pace while everything that can go wrong does; told in order of handling. */
async function soak(seed: number, ordering: 'by-key' | 'none') {
  const clock = virtualClock(0);
  const random = seededRandom(seed);
  const broker = createMemoryBroker({
    clock,
    seed,
    faults: { dropAck: 0.1, duplicate: 0.05, delayMs: [0, 5] },
  });
  const first: string[] = [];
  const overlaps: string[] = [];
  const handling = new Map<string, symbol>();
  const done = new Set<string>();

  const handle = (delivery: Delivery): void => {
    const { id = '' } = delivery.message;
    const { lane } = delivery;
    const own = Symbol(id);
    if (handling.has(String(lane)) && lane !== 'unordered') overlaps.push(id);
    handling.set(String(lane), own);
    if (!first.includes(id)) first.push(id);
    clock.after(Math.ceil(random() * 20), () => {
      if (handling.get(String(lane)) === own) handling.delete(String(lane));
      const fate = random();
      if (fate < 0.1) return delivery.retry(random() * 100);
      if (fate < 0.2) return delivery.release();
      done.add(id);
      delivery.ack();
    });
  };

  const drivers = [0, 1, 2].map(() => createMemoryDriver(settings, broker));
  for (const driver of drivers) {
    await driver.open();
    const declaration = { group: 'shipping.plan', types: ['*'], from: 'new', ordering } as const;
    await driver.declare({ groups: [declaration] });
    await driver.consume({ source: group, ordering, concurrency: 3 }, handle);
  }
  const [driver] = drivers;
  const sent: string[] = [];
  for (let at = 0; at < MESSAGES; at++) {
    const id = `m${at}`;
    const lane = at % 5 === 4 ? 'unordered' : at % 5;
    const outcomes = await driver?.publish([message(id, { lane })]);
    if (outcomes?.[0] === undefined) sent.push(id);
    if (random() < 0.1) await clock.advance(random() * 50);
    if (random() < 0.03) {
      handling.clear(); // what is handled now is handed over again
      const faults = [broker.restart, broker.closeChannels, () => broker.deleteConsumer('shipping.plan')];
      faults[Math.floor(random() * faults.length)]?.();
    }
  }
  broker.inject({});
  await clock.advance(60_000);
  return { first, overlaps, done, sent, lag: await driver?.lag(group), pending: clock.pending };
}

function inLane(ids: readonly string[], lane: number): string[] {
  return ids.filter((id) => Number(id.slice(1)) % 5 === lane);
}

describe('under everything at once', () => {
  it.each([1, 2, 3])('nothing is lost and lanes keep their order, with seed %i', async (seed) => {
    const { first, overlaps, done, sent, lag, pending } = await soak(seed, 'by-key');
    expect(sent).toHaveLength(MESSAGES);
    expect([...done].sort()).toEqual([...sent].sort());
    for (const lane of [0, 1, 2, 3]) expect(inLane(first, lane)).toEqual(inLane(sent, lane));
    expect(overlaps).toEqual([]);
    expect([lag, pending]).toEqual([0, 0]);
  });

  it.each([4, 5])('nothing is lost without order, with seed %i', async (seed) => {
    const { done, sent, lag, pending } = await soak(seed, 'none');
    expect([...done].sort()).toEqual([...sent].sort());
    expect([lag, pending]).toEqual([0, 0]);
  });

  it('ends the same way for the same seed', async () => {
    expect(await soak(6, 'by-key')).toEqual(await soak(6, 'by-key'));
  });
});
