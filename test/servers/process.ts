import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** One process for good: a pid is reused, a pid together with its start time is not. */
export interface ProcessId {
  readonly pid: number;
  readonly startedAt: string;
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
export async function launch(server: Launch, lifetime: 'with-us' | 'detached'): Promise<ProcessId> {
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
    return identify(pid) ?? { pid, startedAt: 'ended' };
  } finally {
    closeSync(log);
  }
}

/** The process with this pid, or nothing if none runs (one that ended and was not yet reaped does not run). */
export function identify(pid: number): ProcessId | undefined {
  const status = processStatus(pid);
  return status === undefined || status.state === 'Z' ? undefined : { pid, startedAt: status.startedAt };
}

export function isRunning(process: ProcessId): boolean {
  return identify(process.pid)?.startedAt === process.startedAt;
}

/**
 * Ends a server, everything in its process group and every descendant, and resolves when none of them runs.
 * With `graceMs` it is first asked by SIGTERM; what is left after that many milliseconds gets SIGKILL.
 */
export async function terminate(server: ProcessId, graceMs = 0): Promise<void> {
  if (!isRunning(server)) return;
  const family = [server, ...descendants(server.pid)];
  if (graceMs > 0) {
    signal(server.pid, 'SIGTERM');
    await until(() => !isRunning(server), graceMs);
  }
  signal(-server.pid, 'SIGKILL');
  // Erlang puts its helpers into groups of their own; they end when the pipe to their parent closes.
  if (await until(() => !family.some(isRunning), 3_000)) return;
  for (const process of family.filter(isRunning)) signal(process.pid, 'SIGKILL');
  if (await until(() => !family.some(isRunning), 3_000)) return;
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

/** Children, their children and so on. Empty where the system has no /proc: there the process group must do. */
export function descendants(pid: number): readonly ProcessId[] {
  const children = new Map<number, ProcessId[]>();
  for (const entry of listProc()) {
    const status = processStatus(entry);
    if (status === undefined) continue;
    children.set(status.parent, [
      ...(children.get(status.parent) ?? []),
      { pid: entry, startedAt: status.startedAt },
    ]);
  }
  const below = (parent: number): ProcessId[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // ESRCH: it ended by itself in the meantime, which is what we want.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function listProc(): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function processStatus(pid: number): { state: string; parent: number; startedAt: string } | undefined {
  try {
    if (process.platform === 'linux') {
      // proc(5): the command's name stands in parentheses and may contain anything, so count from the last one.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return { state: fields[0] ?? '', parent: Number(fields[1]), startedAt: fields[19] ?? '' };
    }
    const line = execFileSync('ps', ['-o', 'stat=,ppid=,lstart=', '-p', `${pid}`], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const [state = '', parent = '', ...startedAt] = line.trim().split(/\s+/);
    return { state: state.slice(0, 1), parent: Number(parent), startedAt: startedAt.join(' ') };
  } catch {
    return undefined;
  }
}
