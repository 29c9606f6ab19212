import { recordingTransaction } from '@waggle/kernel/testing';
import { expect, test } from 'vitest';
import { honeyJarRepository } from '../src/adapters/honey-jar-repository.ts';
import { acknowledgeHoneyJar } from '../src/application/acknowledge-honey-jar.ts';

const acknowledge = acknowledgeHoneyJar(honeyJarRepository());

test('a honey jar that is kept here is acknowledged', async () => {
  const { tx, documents } = recordingTransaction();
  documents('honey-jars').set('1', { honeyJarId: '1', title: 'the first one', status: 'opened' });
  await acknowledge(tx, '1');
  expect(documents('honey-jars').get('1')).toMatchObject({ status: 'acknowledged' });
});

test('one that is not kept here changes nothing', async () => {
  const { tx, documents } = recordingTransaction();
  await acknowledge(tx, '2');
  expect(documents('honey-jars').size).toBe(0);
});
