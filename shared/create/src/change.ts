import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CannotCreate } from './names.ts';
import type { Files } from './template.ts';

/** What npm may take where it has to fetch something. */
const PATIENCE_MS = 180_000;

/** What a generator wants to be: nothing is written before all of it is known. */
export interface Change {
  /** Whole files, by their path from the root: new ones, and those that get more lines. */
  readonly files: Files;
  /** Files and folders that go, by their path from the root. @default none */
  readonly removed?: readonly string[];
  /** Whether there are other workspaces for npm to link. */
  readonly links: boolean;
  /** What its author does next, a line each. */
  readonly next: readonly string[];
}

/** @throws CannotCreate where something is in the way of a new folder */
export function checkFree(root: string, path: string, what: string): void {
  if (existsSync(join(root, path)))
    throw new CannotCreate(`${path} is already there: choose another name, or remove ${what} first`);
}

/** Writes all of it, formats and links it; what fails leaves everything as it was. */
export function apply(root: string, { files, removed = [], links }: Change): void {
  const before = new Map<string, string | undefined>();
  const lock = 'package-lock.json';
  for (const file of [...files.keys(), ...(links ? [lock] : [])])
    before.set(file, existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined);
  const made = new Set<string>();
  const aside = join(root, 'node_modules', `.removed-${process.pid}`);
  const moved: (readonly [from: string, to: string])[] = [];
  try {
    for (const [index, path] of removed.entries()) {
      const way = [join(root, path), join(aside, String(index))] as const;
      mkdirSync(aside, { recursive: true });
      renameSync(...way);
      moved.push(way);
    }
    for (const [file, text] of files) {
      const first = mkdirSync(dirname(join(root, file)), { recursive: true });
      if (first !== undefined) made.add(first);
      writeFileSync(join(root, file), text);
    }
    const sources = [...files.keys()].filter((file) => /\.(ts|json)$/.test(file));
    if (sources.length > 0) run(root, join(root, 'node_modules/.bin/oxfmt'), sources);
    if (links)
      run(root, 'npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']);
  } catch (error) {
    for (const [file, text] of before)
      if (text === undefined) rmSync(join(root, file), { force: true });
      else writeFileSync(join(root, file), text);
    for (const folder of made) rmSync(folder, { recursive: true, force: true });
    for (const [from, to] of moved) renameSync(to, from);
    throw error;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function run(root: string, command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim();
  throw new CannotCreate(`${command} ${args[0] ?? ''} failed, and everything is as it was before: ${said}`);
}
