import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** What a clone does not have. */
const LEFT_OUT = /(^|\/)(\.git|\.turbo|\.waggle|\.cache|\.env|node_modules|reports)$/;
/** What is made again. */
const MADE = /^(node_modules|\.turbo|\.waggle)\/|\/(node_modules|reports|\.turbo)\/|^package-lock\.json$/;

/** This repository in a folder of its own, as `git clone` and `npm ci` leave it. */
export interface Clone {
  readonly root: string;
  /** A command to its end. Rejects, with what it said, when its status is another one. @param status @default 0 */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<string>;
  /** `npm run check` with `WAGGLE_CREATE=all`, else the same of these workspaces. */
  check(workspaces: readonly string[]): Promise<void>;
  /** Every file with what is in it, but for what is made again. */
  contents(): ReadonlyMap<string, string>;
  remove(): void;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly status?: number;
}

export function cloneRepository(): Clone {
  const root = mkdtempSync(join(tmpdir(), 'waggle-clone-'));
  cpSync(ROOT, root, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !LEFT_OUT.test(relative(ROOT, source)),
  });
  linkPackages(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  async function run(
    command: string,
    args: readonly string[],
    { environment = {}, status = 0 }: RunOptions = {},
  ): Promise<string> {
    const child = spawn(command, args, {
      cwd: root,
      // As far as nothing has changed, what was checked before need not be checked again.
      env: {
        ...process.env,
        TURBO_CACHE_DIR: join(ROOT, '.turbo/cache'),
        TURBO_TELEMETRY_DISABLED: '1',
        NO_COLOR: '1',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += String(data)));
    const [ended] = (await once(child, 'close')) as [number | null];
    if (ended !== status) throw new Error(`${command} ${args.join(' ')} ended with ${ended}:\n${said}`);
    return said;
  }
  return {
    root,
    run,
    async check(workspaces) {
      if (process.env['WAGGLE_CREATE'] === 'all') return void (await run('npm', ['run', 'check']));
      if (workspaces.length === 0) return;
      await run('npx', [
        'turbo',
        'run',
        'check',
        ...workspaces.map((workspace) => `--filter=./${workspace}`),
      ]);
      await run('npx', ['oxlint', ...workspaces]);
      await run('npx', ['oxfmt', '--check']);
    },
    contents() {
      const entries = readdirSync(root, { recursive: true, withFileTypes: true });
      const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      const ours = files.map((file) => relative(root, file)).filter((file) => !MADE.test(file));
      return new Map(ours.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Installed packages are many and large, and replaced as a whole where they change: their files may be the same ones. */
function linkPackages(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const way = [join(from, entry.name), join(to, entry.name)] as const;
    if (entry.isDirectory()) linkPackages(...way);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(way[0]), way[1]);
    else if (entry.name.startsWith('.')) copyFileSync(...way); // npm's own notes, which it writes over
    else linkOrCopy(...way);
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to); // on another file system
  }
}

/** Paths whose contents are other ones than before: new, changed or gone. */
export function changedSince(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((file) => before.get(file) !== after.get(file))
    .toSorted();
}
