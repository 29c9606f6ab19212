import { createMemoryStore } from '@waggle/adapter-memory';
import { orderConfirmed } from '@waggle/contracts';
import type { Store } from '@waggle/messaging';
import { store as storeId } from '@waggle/messaging';
import { ContainerModule } from 'inversify';
import { beforeEach, expect, test, vi } from 'vitest';
import { aHost, aService, memoryLogger, publishing } from './start.ts';

const state = vi.hoisted(() => ({ open: true, outbox: true }));

/** The store in memory, which fails as it is told to. */
function brokenStore(): Store {
  const whole = createMemoryStore();
  return {
    ...whole,
    async open() {
      if (!state.open) throw new Error('the database does not answer');
      await whole.open();
    },
    async outbox(after, limit) {
      if (!state.outbox) throw new Error('the database went away');
      return whole.outbox(after, limit);
    },
  };
}

vi.mock('@waggle/adapter-memory/module', async (original) => ({
  ...(await original<object>()),
  store: {
    settings: {},
    module: () => new ContainerModule(({ bind }) => void bind(storeId).toConstantValue(brokenStore())),
  },
}));

beforeEach(() => Object.assign(state, { open: true, outbox: true }));

test('a store that cannot be opened is why the start fails, and nothing that follows from it', async () => {
  state.open = false;
  await expect(aHost([])).rejects.toThrow('the database does not answer');
});

test('a store that is gone at the end is logged, and keeps the host from ending no longer than need be', async () => {
  const { logger, lines } = memoryLogger();
  const routes = publishing(orderConfirmed(orderConfirmed.example));
  const host = await aHost([aService({ routes })], { logger });
  state.outbox = false;
  await host.request('/things', { method: 'POST' });
  expect(await host.stop()).toEqual({ finished: 0, abandoned: [] });
  expect(host.messaging.status).toBe('closed');
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'error', fields: { reason: 'the database went away' } }),
  );
});
