import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** One process for good: a pid is reused, a pid together with its start time is not. */
export interface ProcessId {
  readonly pid: number;
  readonly startedAt: string;
}

/** The process with this pid, or nothing if none runs (one that ended and was not yet reaped does not run). */
export function identify(pid: number): ProcessId | undefined {
  const status = processStatus(pid);
  return status === undefined || status.state === 'Z' ? undefined : { pid, startedAt: status.startedAt };
}

export function isRunning(process: ProcessId): boolean {
  return identify(process.pid)?.startedAt === process.startedAt;
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

/**
 * What runs in the server's folder or below it, also after the server itself ended, and is in its process group or has no
 * terminal: helpers may leave the group, and somebody's shell that looks around there is not ours. The folder
 * decides: once a group is empty its number can be given to another.
 */
export function helpersOf({
  pid: group,
  folder,
}: {
  readonly pid: number;
  readonly folder: string;
}): readonly ProcessId[] {
  return listProc().flatMap((pid) => {
    const where = workingFolder(pid);
    if (where !== folder && where?.startsWith(`${folder}/`) !== true) return [];
    const status = processStatus(pid);
    const ours = status !== undefined && (status.group === group || !status.terminal);
    return ours ? [{ pid, startedAt: status.startedAt }] : [];
  });
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function listProc(): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

interface ProcessStatus {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly terminal: boolean;
  readonly startedAt: string;
}

function processStatus(pid: number): ProcessStatus | undefined {
  try {
    if (process.platform === 'linux') {
      // proc(5): the command's name stands in parentheses and may contain anything, so count from the last one.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [state = '', parent, group, , terminal] = fields;
      return {
        state,
        parent: Number(parent),
        group: Number(group),
        terminal: terminal !== '0',
        startedAt: fields[19] ?? '',
      };
    }
    const line = execFileSync('ps', ['-o', 'stat=,ppid=,pgid=,tty=,lstart=', '-p', `${pid}`], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const [state = '', parent, group, terminal = '', ...startedAt] = line.trim().split(/\s+/);
    return {
      state: state.slice(0, 1),
      parent: Number(parent),
      group: Number(group),
      terminal: !terminal.startsWith('?'),
      startedAt: startedAt.join(' '),
    };
  } catch {
    return undefined;
  }
}
