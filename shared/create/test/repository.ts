import { cpSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
/** All that a generator reads before it writes. */
const READ = ['services', 'adapters', 'shared/contracts', 'shared/create', 'package.json', 'README.md'];
const SKIPPED = /\/(node_modules|reports|\.turbo)(\/|$)/;

/** As much of this repository as a generator reads, in a folder of its own, to be removed. */
export function copyOfRepository(): string {
  const root = mkdtempSync(join(tmpdir(), 'waggle-create-'));
  for (const part of READ)
    cpSync(join(ROOT, part), join(root, part), {
      recursive: true,
      filter: (source) => !SKIPPED.test(source),
    });
  return root;
}

/** Every file, with when it was written last and how long it is. */
export function filesIn(root: string): ReadonlyMap<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    files.map((file) => {
      const { mtimeMs, size } = statSync(file);
      return [relative(root, file), `${mtimeMs} ${size}`] as const;
    }),
  );
}
