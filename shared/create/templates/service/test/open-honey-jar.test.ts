import { honeyJarOpened } from '@waggle/contracts/templates/honey-house';
import { recordingTransaction } from '@waggle/kernel/testing';
import { expect, test } from 'vitest';
import { honeyJarRepository } from '../src/adapters/honey-jar-repository.ts';
import { openHoneyJar } from '../src/application/open-honey-jar.ts';

const open = openHoneyJar(honeyJarRepository(), { next: () => '1' });

test('a honey jar is kept, and announced', async () => {
  const { tx, documents, published } = recordingTransaction();
  const honeyJar = await open(tx, 'the first one');
  expect(documents('honey-jars').get('1')).toEqual(honeyJar);
  expect(published).toEqual([honeyJarOpened({ honeyJarId: '1', title: 'the first one' })]);
});

test('one without a title is neither kept nor announced', async () => {
  const { tx, documents, published } = recordingTransaction();
  await expect(open(tx, ' ')).rejects.toThrow('a title has to say something');
  expect([documents('honey-jars').size, published.length]).toEqual([0, 0]);
});
