import { startPrivateServer, type PrivateServer } from '@waggle/test/servers';
import { connect as connectNats, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const LIMIT = { timeout: 60_000 };

describe('a private NATS server', LIMIT, () => {
  let server: PrivateServer;

  beforeAll(async () => {
    server = await startPrivateServer('nats');
  });
  afterAll(() => server.stop());

  async function withClient<T>(use: (client: NatsConnection) => Promise<T>): Promise<T> {
    const client = await connectNats({ servers: server.url });
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }

  test('greets a client, with JetStream and room for the largest portable event', async () => {
    await withClient(async (client) => {
      expect(client.info).toMatchObject({ jetstream: true, host: '127.0.0.1' });
      expect(client.info?.max_payload).toBeGreaterThan(1024 * 1024);
    });
  });

  test('keeps a confirmed message across a restart and across a kill', async () => {
    await withClient(async (client) => {
      const manager = await client.jetstreamManager();
      await manager.streams.add({ name: 'kept', subjects: ['kept.*'] });
      await client.jetstream().publish('kept.a', 'one');
    });
    const { url } = server;
    await server.restart();
    await withClient((client) => client.jetstream().publish('kept.b', 'two'));
    await server.kill();
    expect(server.pid()).toBeUndefined();
    await expect(connectNats({ servers: url, reconnect: false, timeout: 500 })).rejects.toThrow(
      /CONNECTION_REFUSED|ECONNRESET/, // which of them is a matter of moments
    );
    await server.restart();
    expect(server.url).toBe(url);
    const state = await withClient(
      async (client) => (await (await client.jetstreamManager()).streams.info('kept')).state,
    );
    expect(state.messages).toBe(2);
  });

  test('takes further configuration', async () => {
    const closed = await startPrivateServer('nats', {
      config: 'authorization { user: bee, password: honey }',
    });
    onTestFinished(() => closed.stop());
    await expect(connectNats({ servers: closed.url })).rejects.toThrow(/authorization/i);
    await (await connectNats({ servers: closed.url, user: 'bee', pass: 'honey' })).close();
  });

  test('says why it did not start, and leaves nothing behind', async () => {
    await expect(startPrivateServer('nats', { config: 'no_such_option {' })).rejects.toThrow(
      /nats server ended while starting: read the end of its log:\n.*Parse error/s,
    );
  });
});
