import { expect, inject, test } from 'vitest';
import { serverUrl } from './server-url.ts';

test.for([
  ['nats', /^(nats|tls):\/\//],
  ['postgres', /^postgres(ql)?:\/\//],
] as const)('everybody who asks for a server of a kind gets the same one: %s', async ([kind, form]) => {
  const [first, second] = await Promise.all([serverUrl(kind), serverUrl(kind)]);
  expect(first).toMatch(form);
  expect(second).toBe(first);
});

test('a kind of server that does not exist is refused, with those that do', async () => {
  const response = await fetch(`${inject('serverDesk')}/kafka`);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('ask for nats or rabbitmq or postgres');
});
