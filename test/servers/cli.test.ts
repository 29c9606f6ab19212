import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { descendants, isRunning, type ProcessId } from './process-table.ts';
import { until } from './process.ts';

const LIMIT = { timeout: 60_000 };

const running = (processes: readonly ProcessId[]): readonly ProcessId[] => processes.filter(isRunning);

describe('the brokers command', LIMIT, () => {
  let state: string;
  const cli = async (...words: readonly string[]) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'cli.ts'), ...words], {
      env: { ...process.env, WAGGLE_STATE_DIR: state },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data) => (stdout += data));
    child.stderr.on('data', (data) => (stderr += data));
    const status = await new Promise((resolve) => child.once('close', resolve));
    return { stdout, stderr, status };
  };
  beforeAll(() => {
    state = mkdtempSync(join(tmpdir(), 'waggle-state-'));
  });
  afterAll(async () => {
    await cli('down');
    rmSync(state, { recursive: true });
  });

  test('brings every server up once, tells where they are, and takes them down', async () => {
    expect(await cli('status')).toMatchObject({
      status: 1,
      stdout: 'nats: not up\nrabbitmq: not up\npostgres: not up\n',
    });

    const up = await cli('up');
    expect(up.stdout).toMatch(
      /^NATS_URL=nats:\/\/127\.0\.0\.1:\d+\nRABBITMQ_URL=amqp:\/\/guest:guest@127\.0\.0\.1:\d+\nDATABASE_URL=postgres:\/\/waggle:waggle@127\.0\.0\.1:\d+\/waggle\n$/,
    );
    expect(up.status).toBe(0);
    expect(await cli('up')).toMatchObject({ status: 0, stdout: up.stdout });
    expect(await cli('up', 'nats')).toMatchObject({ status: 0, stdout: up.stdout.split('\n')[0] + '\n' });
    expect(await cli('up', 'postgres')).toMatchObject({ status: 0, stdout: up.stdout.split('\n')[2] + '\n' });
    expect(await cli('status')).toMatchObject({ status: 0 });

    const remembered: Record<string, ProcessId & { folder: string }> = JSON.parse(
      readFileSync(join(state, 'brokers.json'), 'utf8'),
    );
    const servers = Object.values(remembered);
    const processes = servers.flatMap((server) => [server, ...descendants(server.pid)]);
    expect(running(servers)).toHaveLength(3);
    expect((await cli('down')).status).toBe(0);
    expect(running(processes)).toEqual([]);
    expect(servers.filter(({ folder }) => existsSync(folder))).toEqual([]);
    expect(await cli('status')).toMatchObject({ status: 1 });
  });

  test('ends what a server that crashed left running', async () => {
    await cli('up', 'rabbitmq');
    const { rabbitmq } = JSON.parse(readFileSync(join(state, 'brokers.json'), 'utf8'));
    const helpers = descendants(rabbitmq.pid);
    process.kill(rabbitmq.pid, 'SIGKILL');
    expect(await until(() => !isRunning(rabbitmq), 5_000)).toBe(true);
    expect(running(helpers)).not.toEqual([]); // epmd, at least
    expect(await cli('down', 'rabbitmq')).toMatchObject({ status: 0 });
    expect(running(helpers)).toEqual([]);
  });

  test('replaces a server that ended by itself', async () => {
    const first = await cli('up', 'nats');
    const { nats } = JSON.parse(readFileSync(join(state, 'brokers.json'), 'utf8'));
    process.kill(nats.pid, 'SIGKILL');
    expect(await until(() => !isRunning(nats), 5_000)).toBe(true);
    expect(await cli('status', 'nats')).toMatchObject({ status: 1 });
    const second = await cli('up', 'nats');
    expect(second).toMatchObject({ status: 0, stdout: expect.stringMatching(/^NATS_URL=/) });
    expect(second.stdout).not.toBe(first.stdout);
    expect(existsSync(nats.folder)).toBe(false);
    await cli('down');
  });

  test.for(['', 'bogus', 'constructor', 'up kafka', 'up nats rabbitmq'])("refuses '%s'", async (words) => {
    const { status, stdout, stderr } = await cli(...words.split(' ').filter(Boolean));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(
      /^\[waggle\] \[servers\] .+: say npm run brokers -- up\|down\|status \[nats\|rabbitmq\|postgres\]\n$/,
    );
  });
});
