import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProcess } from './process.ts';

/** A server that `up` started and that outlives the command. */
export interface Remembered extends ServerProcess {
  readonly kind: string;
  readonly url: string;
}

type State = Readonly<Partial<Record<string, Remembered>>>;

/** `.waggle` at the root of the repository, which git ignores, or `WAGGLE_STATE_DIR`. */
function stateFile(): string {
  return join(process.env['WAGGLE_STATE_DIR'] ?? join(import.meta.dirname, '../../.waggle'), 'brokers.json');
}

export function recall(kind: string): Remembered | undefined {
  return load()[kind];
}

export function remember(server: Remembered): void {
  save({ ...load(), [server.kind]: server });
}

export function forget(kind: string): void {
  const { [kind]: _forgotten, ...rest } = load();
  save(rest);
}

function load(): State {
  let text: string;
  try {
    text = readFileSync(stateFile(), 'utf8');
  } catch {
    return {};
  }
  try {
    return JSON.parse(text) as State;
  } catch (cause) {
    // Not ignored: it may name servers that run.
    throw new Error(
      `[waggle] [servers] ${stateFile()} is not JSON: end the servers it names by hand and delete it`,
      { cause },
    );
  }
}

// Synchronous, and whole or not at all: two servers start at once, and the command may be interrupted at any point.
function save(state: State): void {
  const file = stateFile();
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
