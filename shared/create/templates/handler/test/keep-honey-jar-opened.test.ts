import { honeyJarOpened } from '@waggle/contracts/templates/honey-house';
import type { Observation } from '@waggle/kernel';
import { recordingTransaction } from '@waggle/kernel/testing';
import { defineService, startHost } from '@waggle/runtime';
import { settled } from '@waggle/runtime/testing';
import { ContainerModule } from 'inversify';
import { expect, onTestFinished, test } from 'vitest';
import { keepHoneyJarOpened } from '../src/application/keep-honey-jar-opened.ts';
import { service } from '../src/service.ts';

const { type, example: data } = honeyJarOpened;

test('what the event carries is kept', async () => {
  const { tx, documents } = recordingTransaction();
  await keepHoneyJarOpened(tx, 'key', data);
  expect(documents('honey-jar-opened').get('key')).toEqual(data);
});

test('the event comes from whoever announces it, and has its effect once', async () => {
  const announces = new ContainerModule(() => undefined);
  const neighbour = defineService({ name: 'neighbour', publishes: [honeyJarOpened], module: announces });
  const seen: Observation[] = [];
  const host = await startHost({
    services: [service, neighbour],
    environment: { PORT: '0', LOG_LEVEL: 'silent' },
    observer: (observation) => void seen.push(observation),
  });
  onTestFinished(async () => void (await host.stop()));
  for (let time = 0; time < 2; time++) {
    await host.messaging.events.publish({ specversion: '1.0', id: 'e1', source: '/neighbour', type, data });
  }
  await settled(host);
  const here = seen.filter(({ consumer }) => consumer === 'honey-house.keep-honey-jar-opened');
  expect(here.map(({ what }) => what)).toEqual(expect.arrayContaining(['handled', 'duplicate']));
});
