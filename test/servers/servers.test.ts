import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { composeFiles } from './compose.ts';
import { descendants, identify, isRunning, type ProcessId } from './process-table.ts';
import { until } from './process.ts';
import { adaptersWith } from '../adapters/discover.ts';
import { obtainServer, startPrivateServer, type PrivateServer } from './servers.ts';
import { tellIfNone } from '../adapters/tell-if-none.ts';

const LIMIT = { timeout: 60_000 };

const found = await adaptersWith('server');
const kinds = found.map(({ name }) => name);

/** The server's process and everything below it. */
function family(server: PrivateServer): readonly ProcessId[] {
  const leader = identify(server.pid() ?? 0);
  if (leader === undefined) throw new Error(`the ${server.kind} server does not run`);
  return [leader, ...descendants(leader.pid)];
}

const running = (processes: readonly ProcessId[]): readonly ProcessId[] => processes.filter(isRunning);

test.for(kinds)('no process and no folder of %s is left after stop', LIMIT, async (kind) => {
  const server = await startPrivateServer(kind);
  const processes = family(server);
  await server.stop();
  expect(running(processes)).toEqual([]);
  expect(existsSync(server.folder)).toBe(false);
  await server.stop();
  await expect(server.restart()).rejects.toThrow(/was stopped/);
});

test.for(kinds)('%s does not outlive a process that was killed', LIMIT, async (kind) => {
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

test.for(kinds.slice(0, 1))('a process that forgets its server can still end: %s', LIMIT, async (kind) => {
  const script = `
    import { startPrivateServer } from ${JSON.stringify(join(import.meta.dirname, 'servers.ts'))}
    await startPrivateServer('${kind}')`;
  const end = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', script]);
  await expect(end).resolves.toMatchObject({ stderr: '' });
});

describe.each(found)(
  'a server of $name that the environment names',
  ({ name, part: { ports, variable, ...product } }) => {
    const [protocol = '', usualPort] = Object.entries(ports)[0] ?? [];

    test('is taken as it is, and never stopped or restarted', async () => {
      const foreign = createServer();
      await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void foreign.close());
      const address = foreign.address();
      const url = `${protocol}://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
      vi.stubEnv(variable, url);
      onTestFinished(() => void vi.unstubAllEnvs());
      const server = await obtainServer(name);
      expect(server).toMatchObject({ url, origin: 'given' });
      await expect(server.restart()).rejects.toThrow(/may be shared/);
      await expect(server.kill()).rejects.toThrow(/may be shared/);
      await server.stop();
      expect(foreign.listening).toBe(true);
    });

    test.for([
      ['127.0.0.1:1', '127.0.0.1:1'],
      // Nobody listens on this address alone: it shows which port is meant where none is written.
      ['127.9.9.9', `127.9.9.9:${usualPort}`],
    ] as const)('is not replaced by another when it cannot be reached: %s', async ([where, meant]) => {
      vi.stubEnv(variable, `${protocol}://a:secret@${where}`);
      onTestFinished(() => void vi.unstubAllEnvs());
      const error = await obtainServer(name).catch(String);
      expect(error).toContain(`[waggle] [servers] no ${product.name} at ${meant}, which ${variable} names`);
      expect(error).not.toContain('secret');
    });
  },
);

describe('a server that nobody named', LIMIT, () => {
  tellIfNone('server', kinds);

  /** Puts a `docker` on the path that answers with this shell script, `$*` being its words. */
  function dockerAnswers(script: string): void {
    const folder = mkdtempSync(join(tmpdir(), 'waggle-docker-'));
    writeFileSync(join(folder, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
    for (const { part } of found) vi.stubEnv(part.variable, '');
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    });
  }

  const contained = found.flatMap(({ name, part: { container } }) =>
    container === undefined ? [] : [[name, container.port] as const],
  );
  test.for(contained)(
    'comes from compose where an engine answers, and goes with us: %s',
    async ([kind, port]) => {
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
    },
  );

  test('is described for all of them, and by the adapter on top where it brings a file', () => {
    const root = mkdtempSync(join(tmpdir(), 'waggle-compose-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    mkdirSync(join(root, 'adapters/pigeons'), { recursive: true });
    for (const file of ['docker-compose.yml', 'adapters/pigeons/compose.yaml'])
      writeFileSync(join(root, file), '');
    expect(composeFiles('owls', root)).toEqual([join(root, 'docker-compose.yml')]);
    expect(composeFiles('pigeons', root)).toEqual([
      join(root, 'docker-compose.yml'),
      join(root, 'adapters/pigeons/compose.yaml'),
    ]);
  });

  const unwilling = [
    'exit 1',
    'exec sleep 60',
    `case "$*" in *' up '*) echo 'port is taken' >&2; exit 1;; esac`,
  ];
  test.for(contained.slice(0, 1).flatMap(([kind]) => unwilling.map((script) => [script, kind] as const)))(
    'comes from an installed binary when docker says: %s',
    async ([script, kind]) => {
      dockerAnswers(script);
      const log: string[] = [];
      const server = await obtainServer(kind, { log: (line) => log.push(line) });
      onTestFinished(() => server.stop());
      expect(server.origin).toBe('binary');
      expect(log.some((line) => line.includes('port is taken'))).toBe(script.includes('port is taken'));
    },
  );
});
