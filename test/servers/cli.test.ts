import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adaptersWith } from '../adapters/discover.ts';
import { descendants, isRunning, type ProcessId } from './process-table.ts';
import { until } from './process.ts';

const LIMIT = { timeout: 60_000 };

const found = await adaptersWith('server');
const kinds = found.map(({ name }) => name);

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

  test.for(kinds.length > 0 ? ['one'] : [])(
    'brings every server up once, tells where they are, and takes them down',
    async () => {
      expect(await cli('status')).toMatchObject({
        status: 1,
        stdout: kinds.map((kind) => `${kind}: not up\n`).join(''),
      });

      const up = await cli('up');
      const lines = up.stdout.trimEnd().split('\n');
      expect(lines.map((line) => line.replace(/:\/\/([^@]*@)?127\.0\.0\.1:\d+.*$/, ''))).toEqual(
        found.map(({ part }) => `${part.variable}=${Object.keys(part.ports)[0]}`),
      );
      expect(up.status).toBe(0);
      expect(await cli('up')).toMatchObject({ status: 0, stdout: up.stdout });
      for (const [index, kind] of kinds.entries())
        expect(await cli('up', kind)).toMatchObject({ status: 0, stdout: `${lines[index]}\n` });
      expect(await cli('status')).toMatchObject({ status: 0 });

      const remembered: Record<string, ProcessId & { folder: string }> = JSON.parse(
        readFileSync(join(state, 'brokers.json'), 'utf8'),
      );
      const servers = Object.values(remembered);
      const processes = servers.flatMap((server) => [server, ...descendants(server.pid)]);
      expect(running(servers)).toHaveLength(kinds.length);
      expect((await cli('down')).status).toBe(0);
      expect(running(processes)).toEqual([]);
      expect(servers.filter(({ folder }) => existsSync(folder))).toEqual([]);
      expect(await cli('status')).toMatchObject({ status: 1 });
    },
  );

  test.for(kinds)('ends what a server that crashed left running: %s', async (kind) => {
    await cli('up', kind);
    const { [kind]: server } = JSON.parse(readFileSync(join(state, 'brokers.json'), 'utf8'));
    const helpers = descendants(server.pid);
    process.kill(server.pid, 'SIGKILL');
    expect(await until(() => !isRunning(server), 5_000)).toBe(true);
    expect(await cli('down', kind)).toMatchObject({ status: 0 });
    expect(running(helpers)).toEqual([]);
  });

  test.for(kinds.slice(0, 1))('replaces a server that ended by itself: %s', async (kind) => {
    const first = await cli('up', kind);
    const { [kind]: server } = JSON.parse(readFileSync(join(state, 'brokers.json'), 'utf8'));
    process.kill(server.pid, 'SIGKILL');
    expect(await until(() => !isRunning(server), 5_000)).toBe(true);
    expect(await cli('status', kind)).toMatchObject({ status: 1 });
    const second = await cli('up', kind);
    expect(second).toMatchObject({ status: 0, stdout: expect.stringMatching(/^[A-Z]+_URL=/) });
    expect(second.stdout).not.toBe(first.stdout);
    expect(existsSync(server.folder)).toBe(false);
    await cli('down');
  });

  test.for(['', 'bogus', 'constructor', 'up pigeons', 'up one another'])("refuses '%s'", async (words) => {
    const { status, stdout, stderr } = await cli(...words.split(' ').filter(Boolean));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^\[waggle\] \[servers\] .+\n$/);
    expect(stderr).toContain(`: say npm run brokers -- up|down|status [${kinds.join('|')}]`);
  });
});
