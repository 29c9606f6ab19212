import { createMemoryStore } from '@waggle/adapter-memory';
import { parcelArrived, parcelPosted, sendParcel } from '@waggle/contracts/testing';
import type { Observation, UnitOfWork } from '@waggle/kernel';
import { onEvent } from '@waggle/kernel';
import { expect, test } from 'vitest';
import type { Routes } from '../src/index.ts';
import { aHost, aService, memoryLogger, publishing } from './start.ts';

test('an event that the service does not list is refused before anything is committed, with what to do', async () => {
  const { logger, lines } = memoryLogger();
  const store = createMemoryStore();
  const routes =
    (unitOfWork: UnitOfWork): Routes =>
    (router) =>
      void router.post('/things', async (context) => {
        await unitOfWork.run(async (tx) => {
          tx.collection('things').put('one', 1);
          tx.publish(parcelArrived(parcelArrived.example), parcelPosted(parcelPosted.example));
        });
        return context.json({}, 202);
      });
  const host = await aHost([aService({ routes, publishes: [parcelArrived] })], { logger, store });
  expect((await host.request('/things', { method: 'POST' })).status).toBe(500);
  const reason =
    '[waggle] parcels.parcel-posted.v1 is not in `publishes` of the service testing: add it to defineService in service.ts';
  expect(lines).toContainEqual(
    expect.objectContaining({ message: 'request failed', fields: { path: '/things', reason } }),
  );
  expect(await store.list('testing', 'things')).toEqual([]);
  expect((await store.outbox({ after: 0, limit: 1 })).entries).toEqual([]);
});

test('so is a command, also of a handler', async () => {
  const { promise: refused, resolve } = Promise.withResolvers<string>();
  const observer = ({ what, reason = '' }: Observation): void =>
    void (what === 'dead-lettered' && resolve(reason));
  const asks = onEvent('ask', parcelArrived, async (_event, tx) => tx.send(sendParcel(sendParcel.example)), {
    retry: { maxAttempts: 1 },
  });
  const routes = publishing(parcelArrived(parcelArrived.example));
  const host = await aHost([aService({ routes, handlers: [asks], sends: [] })], { observer });
  await host.request('/things', { method: 'POST' });
  expect(await refused).toContain('parcels.send-parcel.v1 is not in `sends` of the service testing');
});

test('/health shows what each service says to others', async () => {
  const host = await aHost([aService({ publishes: [parcelPosted, parcelArrived], sends: [sendParcel] })]);
  expect(await (await host.request('/health')).json()).toMatchObject({
    messages: {
      testing: {
        publishes: ['parcels.parcel-posted.v1', 'parcels.parcel-arrived.v1'],
        sends: ['parcels.send-parcel.v1'],
      },
    },
  });
});

test('a service lists events as published and commands as sent, or it does not compile', () => {
  // @ts-expect-error a command is not something that happened
  expect(aService({ publishes: [sendParcel] }).publishes).toHaveLength(1);
  // @ts-expect-error an event is not a request
  expect(aService({ sends: [parcelPosted] }).sends).toHaveLength(1);
});
