import { expect, test } from 'vitest';
import { declaredMessage } from '../src/index.ts';
import { recordingTransaction } from '../testing/recording-transaction.ts';

const type = 'testing.thing-happened.v1';
const event = (data: number) => declaredMessage({ kind: 'event', type, data } as const);
const command = (data: number) => declaredMessage({ kind: 'command', type, data } as const);

test('a recording transaction reads what it was asked to write, each collection for itself', async () => {
  const { tx, documents } = recordingTransaction();
  documents('things').set('a', 1);
  tx.collection<number>('things').put('b', 2);
  tx.collection<number>('things').put('a', 3);
  expect(await tx.collection('things').get('a')).toBe(3);
  expect(await tx.collection('things').list()).toEqual([3, 2]);
  expect(await tx.collection('others').get('a')).toBeUndefined();
  expect(await tx.collection('others').list()).toEqual([]);
  expect([...documents('things')]).toEqual([
    ['a', 3],
    ['b', 2],
  ]);
});

test('it remembers what was said, in order: events here, commands there', () => {
  const { tx, published, sent } = recordingTransaction();
  tx.publish(event(1), event(2));
  tx.send(command(3));
  tx.publish(event(4));
  expect(published.map(({ data }) => data)).toEqual([1, 2, 4]);
  expect(sent.map(({ data }) => data)).toEqual([3]);
});
