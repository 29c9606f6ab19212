import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { startPrivateServer, type PrivateServer } from '@waggle/test/servers';
import { until } from '@waggle/test/servers/process';
import { descendants } from '@waggle/test/servers/process-table';
import { connect as connectRabbitmq, type ChannelModel } from 'amqplib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { closeConnections } from '../testing/server.ts';

const LIMIT = { timeout: 60_000 };

async function declare(url: string, types: readonly string[]): Promise<void> {
  const client = await connectRabbitmq(url);
  const channel = await client.createChannel();
  for (const type of types)
    await channel.assertQueue(type, { durable: true, arguments: { 'x-queue-type': type } });
  await client.close();
}

async function exists(client: ChannelModel, queue: string): Promise<boolean> {
  const channel = await client.createChannel();
  channel.on('error', () => {}); // A refused check closes its channel; the rejection says so too.
  return channel.checkQueue(queue).then(
    async () => (await channel.close(), true),
    () => false,
  );
}

describe('a private RabbitMQ server', LIMIT, () => {
  let server: PrivateServer;

  beforeAll(async () => {
    server = await startPrivateServer('rabbitmq');
  });
  afterAll(() => server.stop());

  test('keeps confirmed messages of a quorum queue and of a stream across a restart and across a kill', async () => {
    const queues = ['quorum', 'stream'];
    const publishToBoth = async (): Promise<void> => {
      const client = await connectRabbitmq(server.url);
      // A restarted node accepts clients a moment before its streams have found their leader again.
      await until(() => exists(client, 'stream'), 10_000);
      const channel = await client.createConfirmChannel();
      for (const queue of queues) {
        channel.sendToQueue(queue, Buffer.from('kept'), { persistent: true });
      }
      await channel.waitForConfirms();
      await client.close();
    };
    await declare(server.url, queues);
    await publishToBoth();
    await server.restart();
    await publishToBoth();
    await server.kill();
    expect(server.pid()).toBeUndefined();
    await server.restart();

    const client = await connectRabbitmq(server.url);
    onTestFinished(() => client.close());
    await until(() => exists(client, 'stream'), 10_000);
    const takeTwo = async (queue: string): Promise<void> => {
      const channel = await client.createChannel();
      channel.on('error', () => undefined); // is told by `consume`
      await channel.prefetch(10);
      let received = 0;
      const second = Promise.withResolvers<void>();
      const count = (): void => void (++received === 2 && second.resolve());
      await channel.consume(queue, count, {
        arguments: queue === 'stream' ? { 'x-stream-offset': 'first' } : {},
      });
      await second.promise;
    };
    // It also knows its streams a moment before it can read them.
    const tookTwo = (queue: string) =>
      takeTwo(queue).then(
        () => true,
        () => false,
      );
    for (const queue of queues) await until(() => tookTwo(queue), 10_000);
  });

  test('closes the connections of its clients when told to', async () => {
    const client = await connectRabbitmq(server.url);
    const closed = new Promise<Error>((resolve) => client.once('close', resolve));
    await closeConnections(server);
    expect((await closed).message).toContain('closed by a test');
  });

  test('is a node by itself, reached by its own control program', async () => {
    expect(await server.ctl('eval', 'node().')).toMatch(/waggle-[0-9a-f]+@localhost/);
    expect(await server.ctl('eval', 'nodes().')).toContain('[]');
  });

  test('listens on the loopback interface only', async () => {
    const amqp =
      '[inet:ntoa(element(5, L)) || L <- rabbit_networking:active_listeners(), element(3, L) =:= amqp].';
    expect(await server.ctl('eval', amqp)).toMatch(/^\["127\.0\.0\.1"\]\s*$/);
    if (process.platform !== 'linux') return; // nowhere else does the system tell it without a tool
    const inodes = new Set(
      [{ pid: server.pid() ?? 0 }, ...descendants(server.pid() ?? 0)].flatMap(({ pid }) => socketsOf(pid)),
    );
    const addresses = listeners()
      .filter(({ inode }) => inodes.has(inode))
      .map(({ address }) => address);
    expect(addresses.length).toBeGreaterThanOrEqual(3); // AMQP, distribution, epmd
    expect(addresses.filter((address) => !LOOPBACK.includes(address))).toEqual([]);
  });
});

// /proc/net/tcp writes addresses as hexadecimal in the byte order of the machine.
const LOOPBACK = ['0100007F', '00000000000000000000000001000000'];

function listeners(): readonly { address: string; inode: string }[] {
  const lines = ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/net/${file}`, 'utf8').trim().split('\n').slice(1),
  );
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A')
    .map((fields) => ({ address: fields[1]?.split(':')[0] ?? '', inode: fields[9] ?? '' }));
}

function socketsOf(pid: number): readonly string[] {
  return openFiles(`/proc/${pid}/fd`).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

function openFiles(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((entry) => {
    try {
      return [readlinkSync(join(folder, entry))];
    } catch {
      return [];
    }
  });
}
