import { orderConfirmed, orderRejected } from '@waggle/contracts/ordering';
import type { Observation } from '@waggle/kernel';
import type { Host } from '@waggle/runtime';
import { startHost } from '@waggle/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { service } from '../src/service.ts';

const GROUP = 'notifications.notify-customer';
let host: Host;
let seen: Observation[];
let look: () => void;

beforeEach(async () => {
  seen = [];
  look = () => undefined;
  const observer = (observation: Observation): void => {
    seen.push(observation);
    look();
  };
  host = await startHost({ services: [service], environment: { PORT: '0', LOG_LEVEL: 'silent' }, observer });
});
afterEach(() => host.stop());

/** Resolves once this many events have been handled. */
function handled(count: number): Promise<void> {
  return new Promise((resolve) => {
    look = () => {
      if (seen.filter(({ what, consumer }) => what === 'handled' && consumer === GROUP).length >= count)
        resolve();
    };
    look();
  });
}

function announce(type: string, id: string, data: unknown): Promise<void> {
  return host.messaging.events.publish({ specversion: '1.0', id, source: '/ordering', type, data });
}

const notices = async (): Promise<unknown> => (await host.request('/notices')).json();

test('customers are told what became of their orders', async () => {
  await announce(orderConfirmed.type, 'e1', { orderId: 'o1', customerId: 'ada' });
  await announce(orderRejected.type, 'e2', { orderId: 'o2', customerId: 'bob', reason: 'over-limit' });
  await handled(2);
  expect(await notices()).toEqual(
    expect.arrayContaining([
      { orderId: 'o1', customerId: 'ada', text: 'Thank you: your order is confirmed.' },
      { orderId: 'o2', customerId: 'bob', text: 'We are sorry: your order was rejected (over-limit).' },
    ]),
  );
});

test('an event that comes twice is told once', async () => {
  await announce(orderConfirmed.type, 'e1', { orderId: 'o1', customerId: 'ada' });
  await announce(orderConfirmed.type, 'e1', { orderId: 'o1', customerId: 'ada' });
  await handled(2);
  expect(await notices()).toHaveLength(1);
  expect(seen.map(({ what }) => what)).toContain('duplicate');
});
