import { spawn } from 'node:child_process';
import { once } from 'node:events';

const ROOT = new URL('../..', import.meta.url);

/** A script of the root as somebody would type it, to its end. */
export async function npmRun(
  script: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
) {
  const child = spawn('npm', ['run', '--silent', script, '--', ...words], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const [status] = await once(child, 'close');
  return { status: status as number | null, stdout, stderr };
}
