import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { npmStart } from './npm-run.ts';

const MAIN = fileURLToPath(new URL('../../shared/runtime/src/main.js', import.meta.url));

test('told to stop by way of npm, a host stops in order', async () => {
  const host = npmStart('start', [], { PORT: '0', LOG_LEVEL: 'info', LOG_FORMAT: 'json' });
  await host.told('"msg":"started"');
  expect(await host.terminate()).toContain('"msg":"stopped"');
});

test('a host reads .env where it is started, and what is set already wins', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-env-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, '.env'), 'LANES=many\nPORT=none\n');
  const env = { ...process.env, PORT: '0' };
  const host = spawn(process.execPath, [MAIN], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  host.stderr.on('data', (data) => (said += data));
  expect(await once(host, 'close')).toEqual([1, null]);
  expect(said).toContain('LANES is "many"');
  expect(said).not.toContain('PORT');
});
