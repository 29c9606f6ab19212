import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

const ROOT = new URL('../..', import.meta.url);

type Environment = Readonly<Record<string, string>>;

/** A script of the root as somebody would type it, to its end. */
export async function npmRun(script: string, words: readonly string[], environment: Environment) {
  const child = spawnNpm(script, words, environment);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const [status] = await once(child, 'close');
  return { status: status as number | null, stdout, stderr };
}

/** The same, left running. What still runs when the test is over is stopped. */
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
