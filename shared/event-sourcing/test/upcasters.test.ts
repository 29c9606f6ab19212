import { expect, test } from 'vitest';
import { createUpcasters, upcaster } from '../src/index.ts';
import { openService } from './setup.ts';

const toNumber = upcaster<{ n: number }>('counted', 1, ({ n }) => ({ number: n }));
const toAmount = upcaster<{ number: number }>('counted', 2, ({ number }) => ({ amount: number }));

test('each shape is led on step by step to the newest, which is what is written', async () => {
  const { events } = await openService(createUpcasters([toAmount, toNumber]));
  await events.append('counter-a', [{ type: 'counted', data: { n: 1 }, schemaVersion: 1 }], 0);
  await events.append('counter-a', [{ type: 'counted', data: { number: 2 }, schemaVersion: 2 }], 1);
  await events.append(
    'counter-a',
    [
      { type: 'counted', data: { amount: 3 } },
      { type: 'other', data: 1 },
    ],
    2,
  );
  const read = (await events.read('counter-a')).map(({ data, schemaVersion }) => [data, schemaVersion]);
  expect(read).toEqual([
    [{ amount: 1 }, 3],
    [{ amount: 2 }, 3],
    [{ amount: 3 }, 3],
    [1, 1],
  ]);
});

test('a gap, and two for one step, are refused', () => {
  expect(() => createUpcasters([toAmount])).toThrow('read the shapes 2: write one for each from 1 on');
  expect(() => createUpcasters([toNumber, toNumber])).toThrow('read the shapes 1, 1');
});

test('a shape that is newer than the code is an error that says so, and so is an upcaster that fails', async () => {
  const failing = upcaster('broken', 1, () => {
    throw new Error('no such thing');
  });
  const { events } = await openService(createUpcasters([toNumber, failing]));
  await events.append('counter-a', [{ type: 'counted', data: {}, schemaVersion: 9 }], 0);
  await expect(events.read('counter-a')).rejects.toThrow(
    'counted at version 1 of counter-a has shape 9, this code knows 2: run newer code',
  );
  await events.append('counter-b', [{ type: 'broken', data: {}, schemaVersion: 1 }], 0);
  await expect(events.read('counter-b')).rejects.toThrow('its upcaster failed: no such thing');
});
