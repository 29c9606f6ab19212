import { execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect as connectRabbitmq, type ChannelModel } from 'amqplib';
import { connect as connectNats, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { descendants, identify, isRunning, type ProcessId } from './process-table.ts';
import { until } from './process.ts';
import {
  obtainServer,
  SERVER_KINDS,
  startPrivateServer,
  type PrivateRabbitmq,
  type PrivateServer,
} from './servers.ts';

const LIMIT = { timeout: 60_000 };

/** The server's process and everything below it. */
function family(server: PrivateServer): readonly ProcessId[] {
  const leader = identify(server.pid() ?? 0);
  if (leader === undefined) throw new Error(`the ${server.kind} server does not run`);
  return [leader, ...descendants(leader.pid)];
}

const running = (processes: readonly ProcessId[]): readonly ProcessId[] => processes.filter(isRunning);

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
  let server: PrivateRabbitmq;

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
    await server.closeConnections();
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
    const inodes = new Set(family(server).flatMap(({ pid }) => socketsOf(pid)));
    const addresses = listeners()
      .filter(({ inode }) => inodes.has(inode))
      .map(({ address }) => address);
    expect(addresses.length).toBeGreaterThanOrEqual(3); // AMQP, distribution, epmd
    expect(addresses.filter((address) => !LOOPBACK.includes(address))).toEqual([]);
  });
});

test.for(SERVER_KINDS)('no process and no folder of %s is left after stop', LIMIT, async (kind) => {
  const server = await startPrivateServer(kind);
  const processes = family(server);
  await server.stop();
  expect(running(processes)).toEqual([]);
  expect(existsSync(server.folder)).toBe(false);
  await server.stop();
  await expect(server.restart()).rejects.toThrow(/was stopped/);
});

test.for(SERVER_KINDS)('%s does not outlive a process that was killed', LIMIT, async (kind) => {
  const script = `
    import { startPrivateServer } from ${JSON.stringify(join(import.meta.dirname, 'servers.ts'))}
    const { folder } = await startPrivateServer('${kind}')
    console.log(folder)
    setInterval(() => {}, 1000)`;
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const folder = await new Promise<string>((resolve) =>
    parent.stdout.once('data', (data) => resolve(String(data).trim())),
  );
  const processes = descendants(parent.pid ?? 0);
  expect(processes.length).toBeGreaterThan(1);
  parent.kill('SIGKILL');
  expect(await until(() => running(processes).length === 0 && !existsSync(folder), 10_000)).toBe(true);
});

test('a process that forgets its server can still end', LIMIT, async () => {
  const script = `
    import { startPrivateServer } from ${JSON.stringify(join(import.meta.dirname, 'servers.ts'))}
    await startPrivateServer('nats')`;
  const end = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', script]);
  await expect(end).resolves.toMatchObject({ stderr: '' });
});

describe('a server that the environment names', () => {
  test('is taken as it is, and never stopped or restarted', async () => {
    const foreign = createServer();
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void foreign.close());
    const address = foreign.address();
    const url = `nats://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    vi.stubEnv('NATS_URL', url);
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await obtainServer('nats');
    expect(server).toMatchObject({ url, origin: 'given' });
    await expect(server.restart()).rejects.toThrow(/may be shared/);
    await expect(server.kill()).rejects.toThrow(/may be shared/);
    await server.stop();
    expect(foreign.listening).toBe(true);
  });

  test.for([
    ['rabbitmq', 'RABBITMQ_URL', 'amqp://guest:secret@127.0.0.1:1', 'RabbitMQ at 127.0.0.1:1'],
    ['postgres', 'DATABASE_URL', 'postgres://a:secret@127.0.0.1:1/a', 'PostgreSQL at 127.0.0.1:1'],
    // Nobody listens on this address alone: it shows which port is meant where none is written.
    ['postgres', 'DATABASE_URL', 'postgresql://a:secret@127.9.9.9/a', 'PostgreSQL at 127.9.9.9:5432'],
  ] as const)(
    'is not replaced by another when it cannot be reached: %s, %s=%s',
    async ([kind, variable, url, what]) => {
      vi.stubEnv(variable, url);
      onTestFinished(() => void vi.unstubAllEnvs());
      const error = await obtainServer(kind).catch(String);
      expect(error).toContain(`[waggle] [servers] no ${what}, which ${variable} names`);
      expect(error).not.toContain('secret');
    },
  );
});

describe('a server that nobody named', LIMIT, () => {
  /** Puts a `docker` on the path that answers with this shell script, `$*` being its words. */
  function dockerAnswers(script: string): void {
    const folder = mkdtempSync(join(tmpdir(), 'waggle-docker-'));
    writeFileSync(join(folder, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
    vi.stubEnv('NATS_URL', '');
    vi.stubEnv('DATABASE_URL', '');
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    });
  }

  test.for([
    ['nats', 4222],
    ['postgres', 5432],
  ] as const)('comes from compose where an engine answers, and goes with us: %s', async ([kind, port]) => {
    const container = await startPrivateServer(kind);
    onTestFinished(() => container.stop());
    const { host: address } = new URL(container.url);
    const calls = join(container.folder, 'calls');
    dockerAnswers(`echo "$*" >> ${calls}; case "$*" in *' port ${kind} ${port}') echo ${address};; esac`);
    const server = await obtainServer(kind);
    expect(server).toMatchObject({ origin: 'compose', url: container.url });
    await expect(server.restart()).rejects.toThrow(/may be shared/);
    await server.stop();
    const commands = readFileSync(calls, 'utf8').trim().split('\n').slice(2);
    expect(commands.map((line) => line.replace(/.*--profile \w+ /, ''))).toEqual([
      `up --detach --wait ${kind}`,
      `port ${kind} ${port}`,
      `rm --force --stop ${kind}`,
    ]);
  });

  test.for(['exit 1', 'exec sleep 60', `case "$*" in *' up '*) echo 'port is taken' >&2; exit 1;; esac`])(
    'comes from an installed binary when docker says: %s',
    async (script) => {
      dockerAnswers(script);
      const log: string[] = [];
      const server = await obtainServer('nats', { log: (line) => log.push(line) });
      onTestFinished(() => server.stop());
      expect(server.origin).toBe('binary');
      expect(log.some((line) => line.includes('port is taken'))).toBe(script.includes('port is taken'));
    },
  );
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
