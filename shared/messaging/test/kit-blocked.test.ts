import { describe, expect, it } from 'vitest';
import { letter, loft, settled } from './pigeon.ts';

describe('a broker that takes nothing for now', () => {
  it('is sent nothing until it does again, and never what was given up meanwhile', async () => {
    const sent: string[] = [];
    const { driver, clock, block } = loft({
      publish(message, confirm) {
        sent.push(message.id);
        confirm(undefined);
      },
    });
    await driver.open();
    block(true);
    const early = driver.publish([letter('early')]);
    await clock.advance(4_000);
    const late = driver.publish([letter('late')]);
    await clock.advance(1_000);
    expect(await early).toMatchObject([{ code: 'unavailable' }]);
    expect(sent).toEqual([]);
    block(false);
    expect(await late).toEqual([undefined]);
    expect(sent).toEqual(['late']);
    await settled();
    expect(clock.pending).toBe(0);
  });
});
