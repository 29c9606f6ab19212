import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tally, type Report, type Workspace } from './tally.ts';

const root = join(import.meta.dirname, '..');
const REPORT = 'reports/vitest.json';
const TIMES = /^--times=/;

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

/** Everything, by turbo: what has not changed is not run again, and its report comes from the cache. */
async function runAll(args: readonly string[]): Promise<number> {
  const all = workspaces();
  for (const { folder } of all) rmSync(join(folder, REPORT), { force: true });
  const options = ['--concurrency=2', '--continue=always', '--output-logs=new-only', ...args];
  const status = await run('turbo', ['run', 'test', ...options]);
  return summarise(all, status);
}

/**
 * The contract tests alone, not cached: `nats` selects contract/nats.test.ts, `--times=10` runs them as often in a row or
 * until one fails; other options go to vitest.
 */
async function runContract(args: readonly string[]): Promise<number> {
  const folder = join(root, 'test');
  const names = args.filter((argument) => !argument.startsWith('-'));
  const times = Number(args.findLast((argument) => TIMES.test(argument))?.replace(TIMES, '') ?? 1);
  const options = args.filter((argument) => argument.startsWith('-') && !TIMES.test(argument));
  const files = (names.length === 0 ? [''] : names).map((name) => join(folder, 'contract/') + name);
  for (let time = 1; ; time++) {
    rmSync(join(folder, REPORT), { force: true });
    const status = summarise(
      [{ name: 'test', folder }],
      await run('vitest', ['run', ...files, ...options], folder),
    );
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
