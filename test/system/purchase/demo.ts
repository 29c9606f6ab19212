import { parseArgs } from 'node:util';
import { messageOf } from '@waggle/kernel';
import { runDemo } from './run-demo.ts';

/** Ends with status 0 if everything is as it should be. With `--json` the outcome alone is on standard output. */
try {
  process.exitCode = await runDemo({
    json: wantsJson(),
    environment: process.env,
    write: (text) => void process.stdout.write(text),
    log: (line) => void process.stderr.write(`${line}\n`),
  });
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}

function wantsJson(): boolean {
  try {
    return parseArgs({ options: { json: { type: 'boolean', default: false } } }).values.json;
  } catch (error) {
    const what = messageOf(error).split(/[.\n]/, 1)[0];
    throw new Error(`[waggle] ${what}: write npm run demo, or npm run --silent demo -- --json`, {
      cause: error,
    });
  }
}
