import { expect, test } from 'vitest';
import { countBefore, Trail } from '../src/index.ts';

test('a lane whose messages follow each other has jumped over nothing', () => {
  const trail = new Trail(4);
  for (const position of [5, 6, 7]) trail.arrive(position);
  expect(trail.takeJumps()).toEqual([]);
  expect(trail.reached).toBe(7);
});

test('what it jumped over is told once, and a redelivery is no jump', () => {
  const trail = new Trail(0);
  for (const position of [1, 5, 1, 6, 9]) trail.arrive(position);
  expect(trail.takeJumps()).toEqual([
    [2, 4],
    [7, 8],
  ]);
  expect(trail.takeJumps()).toEqual([]);
});

test('what a lane did not come to in time is left behind once', () => {
  const trail = new Trail(3);
  expect(trail.leaveBehind(4)).toEqual([]);
  expect(trail.leaveBehind(10)).toEqual([[4, 9]]);
  expect(trail.leaveBehind(10)).toEqual([]);
  trail.arrive(10);
  expect(trail.takeJumps()).toEqual([]);
});

test('positions are counted once, and only those that are gone', () => {
  expect(countBefore(10, [])).toBe(0);
  expect(
    countBefore(10, [
      [1, 3],
      [2, 5],
      [8, 20],
      [12, 14],
    ]),
  ).toBe(7);
  expect(
    countBefore(4, [
      [1, 9],
      [1, 2],
      [5, 6],
    ]),
  ).toBe(3);
});
