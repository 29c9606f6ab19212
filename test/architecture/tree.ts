import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** Files by their path from the root of the repository. */
export type Tree = ReadonlyMap<string, string>;

const FOLDERS = ['shared', 'adapters', 'services', 'test'];
const SKIPPED = new Set(['node_modules', 'reports', '.turbo']);

/** Every source, manifest and configuration file of the workspaces, and what is configured for all of them. */
export function readTree(): Tree {
  const folders = FOLDERS.map((folder) => join(root, folder)).filter(existsSync);
  const files = [...folders.flatMap(filesIn), ...configured()];
  return new Map(files.map((file) => [relative(root, file), readFileSync(file, 'utf8')]));
}

/** The lock file names every package that there is. */
function configured(): readonly string[] {
  return readdirSync(root)
    .filter((name) => /\.(ts|json)$/.test(name) && name !== 'package-lock.json')
    .map((name) => join(root, name));
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesIn(path);
    return /\.(ts|json)$/.test(entry.name) ? [path] : [];
  });
}

/** What an installed library expects its user to install beside it. */
export function peersOf(library: string): readonly string[] {
  const manifest = join(root, 'node_modules', library, 'package.json');
  if (!existsSync(manifest)) return [];
  const { peerDependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    readonly peerDependencies?: Readonly<Record<string, string>>;
  };
  return Object.keys(peerDependencies);
}

/** A pattern with `*` for one name and `**` for any number of folders. */
export function select(tree: Tree, ...patterns: readonly string[]): readonly (readonly [string, string])[] {
  const expressions = patterns.map(
    (pattern) =>
      new RegExp(
        `^${pattern.replace(/[.]/g, '\\.').replace(/\*\*\/|\*/g, (star) => (star === '*' ? '[^/]*' : '(?:[^/]+/)*'))}$`,
      ),
  );
  return [...tree].filter(([path]) => expressions.some((expression) => expression.test(path)));
}
