import { describe, expect, it } from 'vitest';
import { virtualClock } from '../src/index.ts';

describe('the virtual clock', () => {
  it('stands still until it is advanced', async () => {
    const clock = virtualClock(5_000);
    expect(clock.now()).toBe(5_000);
    await clock.advance(250);
    expect(clock.now()).toBe(5_250);
  });

  it('runs timers in the order of their times, each at its own', async () => {
    const clock = virtualClock(0);
    const ran: string[] = [];
    const note = (name: string) => () => void ran.push(`${name}@${clock.now()}`);
    clock.after(30, note('c'));
    clock.after(10, note('a'));
    clock.after(10, note('b'));
    clock.after(31, note('d'));
    for (let ms = 29; ms > 10; ms--) clock.after(ms, note('x'));
    await clock.advance(30);
    expect(ran.slice(0, 3)).toEqual(['a@10', 'b@10', 'x@11']);
    expect(ran.slice(-2)).toEqual(['x@29', 'c@30']);
    expect(clock.pending).toBe(1);
  });

  it('lets promises settle in between, so that a timer may lead to the next', async () => {
    const clock = virtualClock(0);
    const ran: number[] = [];
    const wait = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
    void (async () => {
      for (let time = 0; time < 3; time++) {
        await wait(10);
        await new Promise((resolve) => setImmediate(resolve));
        ran.push(clock.now());
      }
    })();
    await clock.advance(25);
    expect(ran).toEqual([10, 20]);
  });

  it('forgets what was cancelled, and runs what is due now at the next advance', async () => {
    const clock = virtualClock();
    const ran: string[] = [];
    const cancel = clock.after(1, () => ran.push('cancelled'));
    clock.after(-5, () => ran.push('overdue'));
    expect(clock.pending).toBe(2);
    cancel();
    cancel();
    expect(clock.pending).toBe(1);
    await clock.advance(0);
    expect(ran).toEqual(['overdue']);
    await clock.advance(10);
    expect(ran).toEqual(['overdue']);
    expect(clock.pending).toBe(0);
  });

  it('advances once after the other when calls overlap, and passes on what a timer throws', async () => {
    const clock = virtualClock(0);
    clock.after(5, () => {
      throw new Error('broken timer');
    });
    const failing = expect(clock.advance(5)).rejects.toThrow('broken timer');
    await clock.advance(10);
    await failing;
    expect(clock.now()).toBe(15);
  });
});
