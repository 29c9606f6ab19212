import type { Terminal, Tool } from '../../src/tools/tool.ts';
import { runTool } from '../../src/tools/tool.ts';

/** Runs a tool in this process, and what came of it. */
export async function run(tool: Tool, words: readonly string[], environment: Terminal['environment'] = {}) {
  const out: string[] = [];
  const notes: string[] = [];
  const status = await runTool(tool, words, {
    environment,
    print: (text) => void out.push(text),
    note: (text) => void notes.push(text),
    signal: new AbortController().signal,
    heedSignals: () => undefined,
  });
  return { status, out: out.join('\n'), notes: notes.join('\n') };
}
