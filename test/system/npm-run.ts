import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const BINARIES = fileURLToPath(new URL('node_modules/.bin', ROOT));

type Environment = Readonly<Record<string, string>>;

const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** A script of the root to its end, as npm runs it, without the time that npm takes for that. */
export async function npmRun(script: string, words: readonly string[], environment: Environment) {
  const child = spawn('sh', ['-c', `${scripts[script] ?? `no script ${script}`} "$@"`, 'sh', ...words], {
    cwd: ROOT,
    env: { ...process.env, PATH: `${BINARIES}${delimiter}${process.env['PATH'] ?? ''}`, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const [status] = await once(child, 'close');
  return { status: status as number | null, stdout, stderr };
}

/** A script as somebody types it, left running. What still runs when the test is over is stopped. */
export function npmStart(script: string, words: readonly string[], environment: Environment) {
  const child = spawnNpm(script, words, environment);
  const closed = once(child, 'close');
  let isClosed = false;
  child.once('close', () => (isClosed = true));
  let said = '';
  const heard = new Set<() => void>();
  const hear = (data: unknown): void => {
    said += String(data);
    for (const look of heard) look();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  async function end(tell: (pid: number) => void): Promise<string> {
    if (!isClosed && child.pid !== undefined) tell(child.pid);
    await closed;
    return said;
  }
  const stop = (): Promise<string> => end((pid) => void process.kill(-pid, 'SIGINT'));
  onTestFinished(async () => void (await stop()));
  return {
    /** As Ctrl-C on a terminal does: to npm and all that it runs. Resolves with all that was said. */
    stop,
    /** As a supervisor does: to npm alone. */
    terminate: () => end((pid) => void process.kill(pid, 'SIGTERM')),
    /** Resolves once it has said that. @throws Error if it ends before */
    async told(text: string): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => void (said.includes(text) && resolve());
      heard.add(look);
      look();
      const ended = closed.then(() => {
        throw new Error(`npm run ${script} ended before it said "${text}":\n${said}`);
      });
      ended.catch(() => undefined); // heard below, or of no interest any more
      await Promise.race([promise, ended]);
    },
  };
}

function spawnNpm(script: string, words: readonly string[], environment: Environment) {
  return spawn('npm', ['run', '--silent', script, '--', ...words], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group of its own
  });
}
