import { expect, inject, test } from 'vitest';
import { serverUrl } from './server-url.ts';

test('everybody who asks for a server of a kind gets the same one', async () => {
  const [first, second] = await Promise.all([serverUrl('nats'), serverUrl('nats')]);
  expect(first).toMatch(/^(nats|tls):\/\//);
  expect(second).toBe(first);
});

test('a kind of server that does not exist is refused, with those that do', async () => {
  const response = await fetch(`${inject('serverDesk')}/kafka`);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('ask for nats or rabbitmq');
});
