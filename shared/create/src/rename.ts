import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from './change.ts';
import { CannotCreate, checkNewName, pascalCase } from './names.ts';
import { nameOfProject, readProject } from './project.ts';

export interface RenameOptions {
  /** Who holds the copyright from now on. @default the name of the scope */
  readonly holder?: string | undefined;
  /** @default the one it is */
  readonly year?: number;
}

/**
 * Takes the repository over into a project of one's own: its name wherever it stands (packages, settings, messages, headers,
 * documents), the licence's holder, and a changelog that begins anew. @throws CannotCreate for what is no scope
 */
export function rename(root: string, scope: string, options: RenameOptions = {}): Change {
  if (!scope.startsWith('@'))
    throw new CannotCreate(
      `${JSON.stringify(scope.slice(0, 80))} is no scope of packages: write @ and a name, such as @acme`,
    );
  const name = scope.slice(1);
  checkNewName('a scope of packages', name);
  const before = nameOfProject(root);
  // Databases, metrics and headers each refuse some sign: outside the scope there is none.
  const after = name.replaceAll('-', '');
  if (after === before) throw new CannotCreate(`the project is called ${scope} already: choose another name`);
  const { holder = pascalCase(name), year = new Date().getFullYear() } = options;
  const spellings = new Map([
    [`@${before}`, scope],
    [before, after],
    [pascalCase(before), pascalCase(name)],
    [before.toUpperCase(), after.toUpperCase()],
  ]);
  const found = new RegExp([...spellings.keys()].join('|'), 'g');
  const renamed = (text: string): string =>
    text.replace(found, (spelling) => spellings.get(spelling) ?? spelling);
  const packages = `node_modules/@${before}`; // npm links the others, and leaves these
  const files = new Map<string, string>();
  for (const [file, text] of readProject(root)) {
    const own = special[file]?.(text, { holder, year, before }) ?? text;
    if (renamed(own) !== text) files.set(file, renamed(own));
  }
  return {
    files,
    removed: existsSync(join(root, packages)) ? [packages] : [],
    links: true,
    next: [
      'npm run check && npm test',
      'git add --all && git commit',
      'say in README.md and package.json what your project is for',
    ],
  };
}

interface Owner {
  readonly holder: string;
  readonly year: number;
  readonly before: string;
}

/** What is more than a name. */
const special: Readonly<Record<string, (text: string, owner: Owner) => string>> = {
  LICENSE: (text, { holder, year }) => text.replace(/^Copyright .*$/m, `Copyright (c) ${year} ${holder}`),
  'CHANGELOG.md': (text) =>
    `${text.slice(0, text.search(/^## /m))}## [0.1.0] - unreleased\n\n### Added\n\n- The project, from a template.\n`,
  // The paragraph that says where the name comes from.
  'README.md': (text, { before }) =>
    text
      .split('\n\n')
      .filter((paragraph) => !paragraph.includes(`${before} dance`))
      .join('\n\n'),
};
