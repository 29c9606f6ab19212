import { expect, inject, test } from 'vitest';
import { adaptersWith } from '../adapters/discover.ts';
import { serverUrl } from './server-url.ts';

const found = await adaptersWith('server');

test.for(found)(
  'everybody who asks for a server of a kind gets the same one: $name',
  async ({ name, part }) => {
    const [first, second] = await Promise.all([serverUrl(name), serverUrl(name)]);
    expect(Object.keys(part.ports)).toContain(new URL(first).protocol.slice(0, -1));
    expect(second).toBe(first);
  },
);

test('a kind of server that does not exist is refused, with those that do', async () => {
  const response = await fetch(`${inject('serverDesk')}/pigeons`);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain(`ask for ${found.map(({ name }) => name).join(' or ')}`);
});
