import { readEnvFile } from '../env-file.ts';
import { copy } from './copy.ts';
import { deadLetters } from './dead-letters.ts';
import { groups } from './groups.ts';
import { migrate } from './migrate.ts';
import { readModels } from './read-models.ts';
import type { Tool } from './tool.ts';
import { runTool } from './tool.ts';

const TOOLS: readonly Tool[] = [deadLetters, groups, copy, migrate, readModels];

/** `main.ts <tool> <words>`: what the scripts of the root run. */
const [name = '', ...words] = process.argv.slice(2);
const tool = TOOLS.find((candidate) => candidate.name === name);
if (tool === undefined) throw new Error(`no tool "${name}": ${TOOLS.map((one) => one.name).join(', ')}`);

const stopping = new AbortController();
let toldMs = 0;
/** Of one Ctrl-C both npm and the terminal tell; one that comes later means now. */
function stop(): void {
  if (stopping.signal.aborted && Date.now() - toldMs > 1_000) process.exit(1);
  if (!stopping.signal.aborted) toldMs = Date.now();
  stopping.abort();
}
readEnvFile();
process.exitCode = await runTool(tool, words, {
  environment: process.env,
  print: (text) => void process.stdout.write(`${text}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
  signal: stopping.signal,
  heedSignals() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  },
});
