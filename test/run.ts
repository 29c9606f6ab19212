import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tally, type Report, type Workspace } from './tally.ts';

const root = join(import.meta.dirname, '..');
const REPORT = 'reports/vitest.json';
const TIMES = /^--times=/;
const LAST = '@waggle/test';
const ADAPTER_CONFIG = join(root, 'adapters/vitest.config.ts');

/** Runs a tool of this repository and resolves with its exit status. */
function run(tool: string, args: readonly string[], cwd = root): Promise<number> {
  const env = {
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    ...(!process.stdout.isTTY && { NO_COLOR: '1' }),
  };
  const child = spawn(join(root, 'node_modules/.bin', tool), args, { cwd, env, stdio: 'inherit' });
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`[waggle] ${tool} cannot be started (${error.message}): run npm ci`);
      resolve(1);
    });
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/** Those that the manifest of the repository names. */
function workspaces(): readonly Workspace[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { workspaces: string[] };
  const patterns = manifest.workspaces.map((pattern) => `${pattern}/package.json`);
  return globSync(patterns, { cwd: root })
    .map((file) => join(root, file, '..'))
    .map((folder) => ({ name: folder.slice(root.length + 1), folder }));
}

/** Without the file, or with half of one, the workspace did not finish. */
function readReport({ folder }: Workspace): Report | undefined {
  const file = join(folder, REPORT);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

/**
 * Everything, by turbo: what has not changed is not run again, and its report comes from the cache. The workspace `test` watches
 * the clock of whole systems: it comes last, and alone. Who filters has turbo do so at once.
 */
async function runAll(args: readonly string[]): Promise<number> {
  const all = workspaces();
  for (const { folder } of all) rmSync(join(folder, REPORT), { force: true });
  const options = ['--concurrency=2', '--continue=always', '--output-logs=new-only', ...args];
  const filters = args.some((argument) => /^(--filter|-F)/.test(argument))
    ? [[]]
    : [[`--filter=!${LAST}`], [`--filter=${LAST}`]];
  let status = 0;
  for (const filter of filters)
    status = (await run('turbo', ['run', 'test', ...filter, ...options])) || status;
  return summarise(all, status);
}

/** A file of contract tests: where it runs, and by what words it is chosen. */
interface ContractFile {
  readonly workspace: Workspace;
  readonly path: string;
  readonly title: string;
}

/** The suites of an adapter lie with it, `adapters/<name>/test/contract.test.ts`; those of all in `test/contract`. */
function contractFiles(): readonly ContractFile[] {
  const central = globSync('test/contract/*.test.ts', { cwd: root });
  const own = globSync('adapters/*/test/contract*.test.ts', { cwd: root });
  return [...central, ...own].toSorted().map((file) => {
    const name = file.startsWith('test/') ? 'test' : dirname(dirname(file));
    const part = basename(file, '.test.ts').replace(/^contract-?/, '');
    const title = name === 'test' ? part : [part, basename(name)].filter(Boolean).join('-');
    return { workspace: { name, folder: join(root, name) }, path: join(root, file), title };
  });
}

/**
 * The contract tests alone, not cached: the name of an adapter selects its suites, `store` those of all stores; `--times=10`
 * runs them as often in a row or until one fails; other options go to vitest.
 */
async function runContract(args: readonly string[]): Promise<number> {
  const words = args.filter((argument) => !argument.startsWith('-'));
  const times = Number(args.findLast((argument) => TIMES.test(argument))?.replace(TIMES, '') ?? 1);
  const options = args.filter((argument) => argument.startsWith('-') && !TIMES.test(argument));
  const isChosen = ({ title, workspace }: ContractFile): boolean =>
    words.length === 0 ||
    words.some((word) => title.startsWith(word) || workspace.name === `adapters/${word}`);
  const chosen = contractFiles().filter(isChosen);
  if (chosen.length === 0) {
    const titles = contractFiles().map(({ title }) => title);
    console.error(`[waggle] no contract tests of ${words.join(', ')}: there are ${titles.join(', ')}`);
    return 1;
  }
  const ofWorkspace = Map.groupBy(chosen, ({ workspace }) => workspace.name);
  for (let time = 1; ; time++) {
    let status = 0;
    const ran: Workspace[] = [];
    for (const files of ofWorkspace.values()) {
      const [{ workspace } = { workspace: undefined }] = files;
      if (workspace === undefined) continue;
      ran.push(workspace);
      rmSync(join(workspace.folder, REPORT), { force: true });
      const config = workspace.name === 'test' ? [] : ['--config', ADAPTER_CONFIG];
      const paths = files.map(({ path }) => path);
      status = (await run('vitest', ['run', ...config, ...paths, ...options], workspace.folder)) || status;
    }
    status = summarise(ran, status);
    if (times > 1) console.log(`[waggle] run ${time} of ${times}`);
    if (status !== 0 || !(time < times)) return status;
  }
}

function summarise(ran: readonly Workspace[], status: number): number {
  const { passed, failed, problems } = tally(
    ran.map((workspace) => ({ name: workspace.name, report: readReport(workspace) })),
    status,
  );
  for (const problem of problems) console.error(`[waggle] ${problem}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

const [first, ...rest] = process.argv.slice(2);
process.exitCode = await (first === 'contract' ? runContract(rest) : runAll(process.argv.slice(2)));
