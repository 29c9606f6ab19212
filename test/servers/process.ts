import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { descendants, helpersOf, identify, isRunning, type ProcessId } from './process-table.ts';

/** A server's leading process and the folder that it and its helpers work in. */
export interface ServerProcess extends ProcessId {
  readonly folder: string;
  readonly signals?: Signals;
}

/** What a server of this kind understands. */
export interface Signals {
  /** Ends it in order, its data kept. @default SIGTERM */
  readonly stop?: NodeJS.Signals;
  /** Ends it at once, its data no matter, where SIGKILL would leave something outside its folder. @default SIGKILL */
  readonly discard?: NodeJS.Signals;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Working directory, and what is removed should this process die and leave the server behind. */
  readonly folder: string;
  /** Takes the server's standard output and error. */
  readonly logFile: string;
  /** Who it runs as: the numbers of the user and the group. Needs root. @default who we are */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly signals?: Signals;
}

// Runs in front of a server and becomes it by `exec`, so that the pid, and the process group of that number, are the
// server's. A background shell waits for the end of a pipe that only our process holds open: the kernel closes it however
// we die, SIGKILL included, and the server then goes too. One with a signal of its own has two seconds to follow it.
const GUARD = `
folder=$1 signal=$2; shift 2
{
  trap '' TERM INT HUP; read -r line <&3
  kill -s "$signal" $$; tries=0
  while [ "$signal" != KILL ] && [ $((tries += 1)) -le 20 ] && kill -s 0 $$; do sleep 0.1; done
  kill -s KILL $$; rm -rf "$folder"; rm -rf "$folder"; kill -s KILL -- -$$
} >/dev/null 2>&1 &
exec 3<&-
exec "$@"`;

/**
 * Starts a server as the leader of a process group of its own.
 *
 * `with-us`: it dies when this process does, and does not keep this process alive. `detached`: it stays.
 * Rejects if the command cannot be started; a server that starts and then fails shows in its log.
 */
export async function launch(server: Launch, lifetime: 'with-us' | 'detached'): Promise<ServerProcess> {
  const { command, args, env, folder, logFile, user, signals } = server;
  const log = openSync(logFile, 'a');
  try {
    const guarded = lifetime === 'with-us';
    const child = spawn(
      guarded ? 'sh' : command,
      guarded ? ['-c', GUARD, 'sh', folder, lastSignal(signals), command, ...args] : args,
      {
        ...user,
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
    return { folder, ...(signals && { signals }), ...(identify(pid) ?? { pid, startedAt: 'ended' }) };
  } finally {
    closeSync(log);
  }
}

/** As the shell calls it. */
const lastSignal = ({ discard = 'SIGKILL' }: Signals = {}): string => discard.slice('SIG'.length);

// Some take milliseconds to stop, some a second, some what a last checkpoint takes.
const GRACE_MS = 15_000;

/** `stop`: in order, its data kept. `discard`: at once, its data no longer wanted. `kill`: by SIGKILL, its data kept. */
export type Ending = 'stop' | 'discard' | 'kill';

/**
 * Ends a server, everything in its process group and every descendant, and resolves when none of them runs. What is left
 * 15 seconds after it was asked gets SIGKILL.
 */
export async function terminate(server: ServerProcess, ending: Ending): Promise<void> {
  const family = [server, ...helpersOf(server), ...descendants(server.pid)];
  // Looked for again after the end: a server that is killed may just have made another helper.
  const left = (): readonly ProcessId[] => [...family, ...helpersOf(server)].filter(isRunning);
  const gone = (): boolean => left().length === 0;
  if (isRunning(server)) {
    const { stop = 'SIGTERM', discard = 'SIGKILL' } = server.signals ?? {};
    if (ending !== 'kill') {
      signal(server.pid, ending === 'stop' ? stop : discard);
      await until(() => !isRunning(server), GRACE_MS);
    }
    signal(-server.pid, 'SIGKILL');
    // Some put their helpers into groups of their own; they end when they miss their parent.
    if (await until(gone, 3_000)) return;
  }
  for (const process of left()) signal(process.pid, 'SIGKILL');
  if (await until(gone, 3_000)) return;
  const survivors = left().map(({ pid }) => pid);
  throw new Error(`[waggle] [servers] process ${survivors.join(', ')} survived SIGKILL: end it by hand`);
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
