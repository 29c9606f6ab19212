import { createMemoryStore } from '@waggle/adapter-memory';
import { parcelArrived } from '@waggle/contracts/testing';
import type { Store } from '@waggle/messaging';
import { expect, test } from 'vitest';
import { aHost, aService, memoryLogger, publishing } from './start.ts';

/** The store in memory, with something broken. */
const storeWith = (broken: Partial<Store>): Store => ({ ...createMemoryStore(), ...broken });

test('a store that cannot be opened is why the start fails, and nothing that follows from it', async () => {
  const open = () => Promise.reject(new Error('the database does not answer'));
  await expect(aHost([], { store: storeWith({ open }) })).rejects.toThrow('the database does not answer');
});

test('a store that is gone at the end is logged, and keeps the host from ending no longer than need be', async () => {
  const { logger, lines } = memoryLogger();
  const routes = publishing(parcelArrived(parcelArrived.example));
  let gone = false;
  const whole = createMemoryStore();
  const outbox: Store['outbox'] = (options) =>
    gone ? Promise.reject(new Error('the database went away')) : whole.outbox(options);
  const host = await aHost([aService({ routes })], { logger, store: { ...whole, outbox } });
  gone = true;
  await host.request('/things', { method: 'POST' });
  expect(await host.stop()).toEqual({ finished: 0, abandoned: [] });
  expect(host.messaging.status).toBe('closed');
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'error', fields: { reason: 'the database went away' } }),
  );
});
