import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CannotCreate, camelCase, pascalCase, pluralOf } from './names.ts';
import { renameWords, type Renaming } from './words.ts';

/** Files by their path. */
export type Files = ReadonlyMap<string, string>;

const NOT_COPIED = new Set(['node_modules', 'reports', '.turbo']);

/** A living template of `shared/create/templates`: code like all other, compiled, linted and tested where it stands. */
export function readTemplate(root: string, name: string): Files {
  const folder = join(root, 'shared/create/templates', name);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        !relative(folder, file)
          .split('/')
          .some((part) => NOT_COPIED.has(part)),
    );
  return new Map(files.map((file) => [relative(folder, file), readFileSync(file, 'utf8')] as const));
}

/** What a template becomes elsewhere: other words, in names of files as well, and two folders nearer to the root. */
export function copyTemplate(template: Files, folder: string, renamings: readonly Renaming[]): Files {
  return new Map(
    [...template].map(
      ([file, text]) => [join(folder, renameWords(file, renamings)), adopt(text, renamings)] as const,
    ),
  );
}

/** @returns the text as it reads where it is copied to */
export function adopt(text: string, renamings: readonly Renaming[]): string {
  const moved = text.replaceAll('../../../../', '../../').replaceAll('/contracts/templates/', '/contracts/');
  return renameWords(moved, renamings);
}

/** @throws CannotCreate for a name that would stand beside another one of the same spelling in the code that is copied */
export function checkNotUsed(template: Files, what: string, name: string): void {
  const used = new Set([...template.values()].flatMap((text) => text.match(/[A-Za-z_]\w*/g) ?? []));
  const spellings = [name, pluralOf(name)].flatMap((each) => [camelCase(each), pascalCase(each)]);
  const taken = spellings.find((spelling) => used.has(spelling));
  if (taken !== undefined)
    throw new CannotCreate(
      `"${name}" cannot name ${what}: the code of a new one already says ${taken} for something else; choose another`,
    );
}
