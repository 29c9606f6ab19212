import { describe, expect, test } from 'vitest';
import { hold, median, scoreOf } from './contest.ts';
import { measure, SUBJECTS, tableOf } from './throughput.ts';

const SHORT = { count: 300, slow: 50, rounds: 1, rows: 2_000 };

// What they promise is measured on a machine that does nothing else: `npm run bench`.
describe('the benchmark', () => {
  test.for(SUBJECTS)('measures %s', async (subject) => {
    const section = await measure(subject, SHORT);
    expect(section.figures.length).toBeGreaterThan(0);
    for (const figures of section.figures) expect(scoreOf(figures)).toBeGreaterThan(0);
    expect(tableOf(section)).toContain(section.figures[0]?.contest.title);
  });

  test('runs both by turns and leaves out the first of each', async () => {
    const turns: string[] = [];
    const contestant = (name: string, figures: number[]) => ({
      name,
      run: async () => {
        turns.push(name);
        return figures.shift() ?? 0;
      },
    });
    const ours = contestant('A', [1_000, 30, 10, 20]);
    const other = contestant('B', [1, 5, 15, 10]);
    const figures = await hold({ title: 'a contest', ours, other }, 3);
    expect(turns.join('')).toBe('ABABABAB');
    expect(figures).toMatchObject({ ours: 20, other: 10 });
    expect(scoreOf(figures)).toBe(2);
  });

  test('a median of an even number is between the two in the middle', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});
