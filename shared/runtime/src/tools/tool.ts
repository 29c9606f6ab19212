import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { messageOf, MessagingError } from '@waggle/kernel';
import type { Environment } from '../configuration.ts';
import { ConfigurationError } from '../configuration.ts';

/** Where a tool is run. */
export interface Terminal {
  readonly environment: Environment;
  /** What was asked for, to standard output; a line feed is added. */
  readonly print: (text: string) => void;
  /** About it, to standard error. */
  readonly note: (text: string) => void;
  /** Aborts when somebody wants the tool to stop, once it heeds that. */
  readonly signal: AbortSignal;
  /** From now on the tool ends in order when it is told to stop: before, it ends at once. */
  readonly heedSignals: () => void;
}

/** 0: done. 1: it failed, or was not there. */
export type Status = 0 | 1;

export interface Tool {
  /** As in `npm run <name>`. */
  readonly name: string;
  /** What `--help` prints. */
  readonly help: string;
  run(words: readonly string[], terminal: Terminal): Promise<Status>;
}

/** It was asked for in a way that is not understood: what was got, and what to do. Status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Runs a tool to its exit status; what goes wrong is told without a stack trace, unless it is a bug. */
export async function runTool(tool: Tool, words: readonly string[], terminal: Terminal): Promise<Status | 2> {
  if (words.includes('--help') || words.includes('-h')) {
    terminal.print(tool.help.trim());
    return 0;
  }
  try {
    return await tool.run(words, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.note(`[waggle] ${error.message}\nnpm run ${tool.name} -- --help tells more`);
      return 2;
    }
    if (error instanceof ConfigurationError) {
      terminal.note(error.message);
      return 2;
    }
    terminal.note(
      error instanceof Error && !(error instanceof MessagingError) ? String(error.stack) : messageOf(error),
    );
    return 1;
  }
}

/** Strict parsing: an option that is not known, or lacks its value, is refused. @throws UsageError */
export function parseWords<const Options extends ParseArgsOptionsConfig>(
  words: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${messageOf(error).split(/\. |\n/, 1)[0]}`);
  }
}

/** The word that says what to do. @throws UsageError */
export function choose<Word extends string>(word: string | undefined, known: readonly Word[]): Word {
  const found = known.find((candidate) => candidate === word);
  if (found !== undefined) return found;
  throw new UsageError(
    `${word === undefined ? 'no word given' : `unknown word "${word}"`}: say one of ${known.join(', ')}`,
  );
}

/** What strangers wrote, harmless on a terminal: control characters are shown and have no effect. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
