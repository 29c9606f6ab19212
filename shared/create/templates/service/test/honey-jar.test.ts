import { expect, test } from 'vitest';
import { acknowledged, HoneyJarError, opened } from '../src/domain/honey-jar.ts';

test('given a title, a honey jar is opened', () => {
  expect(opened('1', ' the first one ')).toEqual({
    honeyJarId: '1',
    title: 'the first one',
    status: 'opened',
  });
});

test('given a title that says nothing, it is refused', () => {
  expect(() => opened('1', '  ')).toThrow(HoneyJarError);
});

test('given one that is open, it is acknowledged, and stays so', () => {
  const once = acknowledged(opened('1', 'the first one'));
  expect(once.status).toBe('acknowledged');
  expect(acknowledged(once)).toEqual(once);
});
