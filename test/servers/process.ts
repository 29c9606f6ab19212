import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { descendants, groupMembers, identify, isRunning, type ProcessId } from './process-table.ts';

/** A server's leading process and the folder that it and its helpers work in. */
export interface ServerProcess extends ProcessId {
  readonly folder: string;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Working directory, and what is removed should this process die and leave the server behind. */
  readonly folder: string;
  /** Takes the server's standard output and error. */
  readonly logFile: string;
}

// Runs in front of a server and becomes it by `exec`, so that the pid, and the process group of that number, are the
// server's. A background shell waits for the end of a pipe that only our process holds open: the kernel closes it however
// we die, SIGKILL included, and the server then goes too.
const GUARD = `
folder=$1; shift
{ trap '' TERM INT HUP; read -r line <&3; kill -s KILL $$; rm -rf "$folder"; rm -rf "$folder"; kill -s KILL -- -$$; } >/dev/null 2>&1 &
exec 3<&-
exec "$@"`;

/**
 * Starts a server as the leader of a process group of its own.
 *
 * `with-us`: it dies when this process does, and does not keep this process alive. `detached`: it stays.
 * Rejects if the command cannot be started; a server that starts and then fails shows in its log.
 */
export async function launch(server: Launch, lifetime: 'with-us' | 'detached'): Promise<ServerProcess> {
  const { command, args, env, folder, logFile } = server;
  const log = openSync(logFile, 'a');
  try {
    const guarded = lifetime === 'with-us';
    const child = spawn(
      guarded ? 'sh' : command,
      guarded ? ['-c', GUARD, 'sh', folder, command, ...args] : args,
      {
        cwd: folder,
        detached: true,
        env,
        stdio: ['ignore', log, log, guarded ? 'pipe' : 'ignore'],
      },
    );
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    const pipe = child.stdio[3];
    if (pipe instanceof Socket) pipe.unref();
    // A process that has already ended has no start time left to read; any will do, as it will never be found alive.
    const pid = child.pid ?? 0;
    return { folder, ...(identify(pid) ?? { pid, startedAt: 'ended' }) };
  } finally {
    closeSync(log);
  }
}

/**
 * Ends a server, everything in its process group and every descendant, and resolves when none of them runs.
 * With `graceMs` it is first asked by SIGTERM; what is left after that many milliseconds gets SIGKILL.
 */
export async function terminate(server: ServerProcess, graceMs = 0): Promise<void> {
  const family = [server, ...groupMembers(server), ...descendants(server.pid)].filter(isRunning);
  const gone = (): boolean => !family.some(isRunning);
  if (isRunning(server)) {
    if (graceMs > 0) {
      signal(server.pid, 'SIGTERM');
      await until(() => !isRunning(server), graceMs);
    }
    signal(-server.pid, 'SIGKILL');
    // Erlang puts its helpers into groups of their own; they end when the pipe to their parent closes.
    if (await until(gone, 3_000)) return;
  }
  for (const process of family.filter(isRunning)) signal(process.pid, 'SIGKILL');
  if (await until(gone, 3_000)) return;
  const left = family.filter(isRunning).map(({ pid }) => pid);
  throw new Error(`[waggle] [servers] process ${left.join(', ')} survived SIGKILL: end it by hand`);
}

/**
 * Looks every 10 ms until `done` says true (then resolves true) or `timeoutMs` have passed (then false): for what no
 * event tells, such as the end of a process that is not our child, or a server's readiness.
 */
export async function until(done: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await done())) {
    if (Date.now() > deadline) return false;
    await delay(10);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // ESRCH: it ended by itself in the meantime, which is what we want.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
