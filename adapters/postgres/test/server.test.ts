import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startPrivateServer, type PrivateServer } from '@waggle/test/servers';
import { findBinary } from '@waggle/test/servers/install';
import { until } from '@waggle/test/servers/process';
import { descendants, identify, isRunning } from '@waggle/test/servers/process-table';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { server as product } from '../testing/server.ts';

const LIMIT = { timeout: 60_000 };

/** What this prints, in the language of `psql`, which every installation of the server has as well. */
async function sql(url: string, statement: string): Promise<string> {
  const options = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1'];
  const { stdout } = await promisify(execFile)(findBinary('psql', product.folders) ?? 'psql', [
    ...options,
    `--command=${statement}`,
    url,
  ]);
  return stdout.trim();
}

describe('a private PostgreSQL server', LIMIT, () => {
  let server: PrivateServer;

  beforeAll(async () => {
    server = await startPrivateServer('postgres');
    await sql(server.url, 'CREATE TABLE kept (word text)');
  });
  afterAll(() => server.stop());

  const insert = (word: string): Promise<string> => sql(server.url, `INSERT INTO kept VALUES ('${word}')`);

  /** A client whose statement has no end, nor a moment at which it would notice that the server has. */
  async function busyClient(): Promise<{ readonly failure: Promise<string> }> {
    const failure = sql(server.url, 'DO $$ BEGIN LOOP END LOOP; END $$').catch(String);
    const busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %'";
    await expect.poll(() => sql(server.url, busy)).toBe('1');
    return { failure };
  }

  test('syncs what it confirms, in a database of ours that knows every letter and sorts by bytes', async () => {
    const settings = ['fsync', 'synchronous_commit', 'server_encoding', 'lc_collate', 'TimeZone'];
    const shown = await Promise.all(settings.map((name) => sql(server.url, `SHOW ${name}`)));
    expect(shown).toEqual(['on', 'on', 'UTF8', 'C', 'UTC']);
  });

  test('asks for the password, and listens on the loopback interface only', async () => {
    await expect(sql(server.url.replace('waggle@', 'wrong@'), 'SELECT 1')).rejects.toThrow(
      /password authentication failed/,
    );
    expect(await sql(server.url, 'SHOW listen_addresses')).toBe('127.0.0.1');
    expect(await sql(server.url, 'SHOW unix_socket_directories')).toBe('');
    expect(await sql(server.url, 'SELECT DISTINCT auth_method FROM pg_hba_file_rules')).toBe('scram-sha-256');
  });

  test('keeps a committed row across a restart and across a kill', async () => {
    await insert('one');
    const { url } = server;
    await server.restart();
    await insert('two');
    await server.kill();
    expect(server.pid()).toBeUndefined();
    await expect(sql(url, 'SELECT 1')).rejects.toThrow(/refused/);
    await server.restart();
    expect(server.url).toBe(url);
    expect(await sql(url, "SELECT string_agg(word, ' ') FROM kept")).toBe('one two');
  });

  test('does not wait for its clients when it is restarted', async () => {
    const { failure } = await busyClient();
    const since = performance.now();
    await server.restart();
    expect(performance.now() - since).toBeLessThan(10_000); // by SIGKILL it would be more
    expect(await failure).toContain('terminating connection due to administrator command');
  });

  test('is left by every process when it is killed, also by one that is busy', async () => {
    const { failure } = await busyClient();
    const processes = descendants(server.pid() ?? 0);
    await server.kill();
    expect(processes.filter(isRunning)).toEqual([]);
    await failure;
    await server.restart();
  });

  test('starts again after its leading process crashed under a busy client', async () => {
    const { failure } = await busyClient();
    const leader = identify(server.pid() ?? 0);
    if (leader === undefined) throw new Error('the server does not run');
    const processes = descendants(leader.pid);
    process.kill(leader.pid, 'SIGKILL');
    expect(await until(() => !isRunning(leader), 5_000)).toBe(true);
    await server.restart();
    expect(processes.filter(isRunning)).toEqual([]);
    await failure;
    expect(await sql(server.url, 'SELECT 1')).toBe('1');
  });

  test('leaves no shared memory behind when it is stopped', async () => {
    const other = await startPrivateServer('postgres');
    onTestFinished(() => other.stop());
    // The last number of the line that begins with the key; Linux lists the segments in the second column.
    const notes = readFileSync(join(other.folder, 'data/postmaster.pid'), 'utf8').split('\n');
    const segment = notes[6]?.trim().split(/\s+/)[1];
    const segments = (): readonly (string | undefined)[] =>
      readFileSync('/proc/sysvipc/shm', 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/)[1]);
    if (!existsSync('/proc/sysvipc/shm')) return; // nowhere else is it told without a tool
    expect(segments()).toContain(segment);
    await other.stop();
    expect(segments()).not.toContain(segment);
  });

  test('takes further configuration', async () => {
    const small = await startPrivateServer('postgres', { config: 'max_connections = 7' });
    onTestFinished(() => small.stop());
    expect(await sql(small.url, 'SHOW max_connections')).toBe('7');
  });

  test('says why it did not start, and leaves nothing behind', async () => {
    await expect(startPrivateServer('postgres', { config: 'no_such_option = 1' })).rejects.toThrow(
      /postgres server ended while starting: read the end of its log:\n.*no_such_option/s,
    );
  });
});
