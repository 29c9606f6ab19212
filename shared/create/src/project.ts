import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Files } from './template.ts';

/** Folders that are made again, or are somebody else's. */
const NOT_OURS = new Set(['node_modules', '.git', '.turbo', '.cache', 'reports']);

/** Every text file of the repository, by its path from the root. */
export function readProject(root: string, folder = ''): Files {
  const files = new Map<string, string>();
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!NOT_OURS.has(entry.name) && path !== `.${nameOfProject(root)}`)
        for (const [file, text] of readProject(root, path)) files.set(file, text);
    } else if (entry.isFile() && entry.name !== '.env') {
      const text = readFileSync(join(root, path), 'utf8');
      if (!text.includes('\0')) files.set(path, text);
    }
  }
  return files;
}

/** What the project is called, which is also the scope of its packages. */
export function nameOfProject(root: string): string {
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly name: string };
  return name;
}
