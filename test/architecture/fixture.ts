import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './tree.ts';

/** What a tool said of a file of the fixture. */
export interface Finding {
  readonly file: string;
  readonly rule: string;
}

/** A small repository of its own with the real configuration and a service `made-up`, for the real tools. */
export interface Fixture {
  write(files: Readonly<Record<string, string>>): void;
  /** Runs the linter over everything. */
  lint(): Promise<readonly Finding[]>;
  /** Compiles what `tsconfig.core.json` of a workspace names. */
  compileCore(workspace: string): Promise<readonly Finding[]>;
  remove(): void;
}

const ROOT_FILES = [
  '.oxlintrc.json',
  'tsconfig.base.json',
  'tsconfig.node.json',
  'tsconfig.json',
  'package.json',
];

/** A service that no repository has, as the rules want it: they are tested whichever services there are. */
const MADE_UP: Readonly<Record<string, unknown>> = {
  'services/made-up/package.json': { name: '@waggle/service-made-up', type: 'module' },
  'services/made-up/tsconfig.json': { extends: '../../tsconfig.node.json', include: ['src', 'test'] },
  'services/made-up/tsconfig.core.json': {
    extends: '../../tsconfig.base.json',
    include: ['src/domain', 'src/application'],
  },
};

export function createFixture(workspaces: readonly string[]): Fixture {
  const folder = mkdtempSync(join(tmpdir(), 'waggle-architecture-'));
  for (const file of ROOT_FILES) copyFileSync(join(root, file), join(folder, file));
  for (const workspace of workspaces) {
    mkdirSync(join(folder, workspace), { recursive: true });
    const files = readdirSync(join(root, workspace)).filter((name) => name.endsWith('.json'));
    for (const file of files) copyFileSync(join(root, workspace, file), join(folder, workspace, file));
  }
  write(Object.fromEntries(Object.entries(MADE_UP).map(([file, json]) => [file, JSON.stringify(json)])));
  linkPackages(folder);

  function write(files: Readonly<Record<string, string>>): void {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
  }

  function run(tool: string, args: readonly string[]): Promise<string> {
    return new Promise((resolve) => {
      // Both tools end with a status that is not zero when they find something.
      const options = { cwd: folder, maxBuffer: 64 * 1024 * 1024 };
      execFile(join(root, 'node_modules/.bin', tool), args, options, (_, stdout, stderr) =>
        resolve(stdout || stderr),
      );
    });
  }

  return {
    write,
    lint: async () => readLint(await run('oxlint', ['--format=json'])),
    compileCore: async (workspace) =>
      readCompiler(await run('tsc', ['-p', `${workspace}/tsconfig.core.json`, '--pretty', 'false'])),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Libraries are the real ones, and packages of ours those of the fixture. */
function linkPackages(folder: string): void {
  const real = join(root, 'node_modules');
  const ours = join(folder, 'node_modules');
  mkdirSync(join(ours, '@waggle'), { recursive: true });
  for (const name of readdirSync(real)) {
    if (name !== '@waggle') symlinkSync(join(real, name), join(ours, name));
  }
  for (const name of ['kernel', 'contracts', 'messaging', 'runtime']) {
    symlinkSync(join(folder, 'shared', name), join(ours, '@waggle', name));
  }
}

function readLint(output: string): readonly Finding[] {
  if (!output.startsWith('{')) throw new Error(`the linter did not run: ${output}`);
  const { diagnostics, number_of_files: files } = JSON.parse(output) as {
    readonly diagnostics: readonly { readonly filename: string; readonly code: string }[];
    readonly number_of_files: number;
  };
  if (files === 0) throw new Error('the linter read nothing');
  return diagnostics.map(({ filename, code }) => ({ file: filename, rule: code }));
}

function readCompiler(output: string): readonly Finding[] {
  const found = [...output.matchAll(/^(.+?)\(\d+,\d+\): error (TS\d+)/gm)];
  if (found.length === 0 && output.trim() !== '') throw new Error(`the compiler did not run: ${output}`);
  return found.map(([, file = '', rule = '']) => ({ file, rule }));
}
