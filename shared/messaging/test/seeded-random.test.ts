import { describe, expect, it } from 'vitest';
import { seededRandom } from '../src/index.ts';

describe('the seeded random', () => {
  it('repeats for a seed, and spreads evenly over [0, 1)', () => {
    const [one, same, other] = [seededRandom(42), seededRandom(42), seededRandom(43)];
    const numbers = Array.from({ length: 10_000 }, () => one());
    expect(numbers.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => same()));
    expect(numbers[0]).not.toBe(other());
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
      expect(Math.abs(share - 1_000)).toBeLessThan(150);
    }
  });
});
