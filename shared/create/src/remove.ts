import { globSync } from 'node:fs';
import type { Change } from './change.ts';
import { CannotCreate } from './names.ts';
import { contractFile, declaredIn } from './new-event.ts';
import { nameOfProject, readProject } from './project.ts';
import { hitting, strike, strikeYaml, withoutElement, type Words } from './strike.ts';
import type { Files } from './template.ts';

interface Manifest {
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** The adapter that all tests stand on. */
const KEPT = 'memory';

/** Files that every service has. */
const USUAL = new Set(['http.ts', 'ports.ts', 'service.ts']);

/** What goes, and by which words all else spoke of it. */
interface Leaving {
  readonly paths: readonly string[];
  readonly words: Words;
}

/**
 * Takes adapters and services out without a trace: their folders, contracts and stories, the settings and servers that they
 * needed, and what documents say of them. @throws CannotCreate for what is not there, or what something else needs
 */
export function remove(root: string, names: readonly string[]): Change {
  const before = readProject(root);
  const bare = names.map((name) => name.replace(/^(adapters|services)\//, ''));
  const leaving = bare.map((name) => leavingOf(root, before, name));
  checkNotNeeded(
    before,
    bare,
    leaving.flatMap(({ paths }) => paths),
  );
  const after = leaving.reduce(withoutOne, before);
  const paths = leaving.flatMap((each) => each.paths);
  return {
    files: new Map([...after].filter(([file, text]) => before.get(file) !== text)),
    removed: [...new Set(paths)],
    links: true,
    next: ['git diff   what documents say now', 'npm run check && npm test', 'git add --all && git commit'],
  };
}

function leavingOf(root: string, files: Files, name: string): Leaving {
  if (name === KEPT)
    throw new CannotCreate(
      `adapters/${KEPT} is what the defaults and all tests stand on: choose another one`,
    );
  const scope = nameOfProject(root);
  if (files.has(`adapters/${name}/package.json`)) return adapterLeaving(files, name);
  if (files.has(`services/${name}/package.json`)) return serviceLeaving(files, name, scope);
  const there = globSync('{adapters,services}/*/package.json', { cwd: root }).map(
    (file) => file.split('/')[1],
  );
  throw new CannotCreate(
    `there is no adapter and no service ${JSON.stringify(name.slice(0, 80))}, only ${there.toSorted().join(', ')}: check the spelling`,
  );
}

function adapterLeaving(files: Files, name: string): Leaving {
  const { keywords = [], dependencies = {} } = manifestOf(files, `adapters/${name}/package.json`);
  const settings = (files.get(`adapters/${name}/.env.example`) ?? '').matchAll(/^([A-Z0-9_]+)=/gm);
  const libraries = Object.keys(dependencies).filter((library) => keywords.includes(library));
  return {
    paths: [`adapters/${name}`],
    words: [
      ...new Set([name, ...keywords, ...libraries, ...[...settings].map(([, setting = '']) => setting)]),
    ],
  };
}

function serviceLeaving(files: Files, name: string, scope: string): Leaving {
  const contract = contractFile(name);
  const declared = declaredIn(files.get(contract) ?? '');
  const sources = [...files].filter(([file]) => file.startsWith(`services/${name}/src/`));
  const code = sources.map(([, text]) => text).join('\n');
  const groups = [...code.matchAll(/\bon(?:Event|Command)\(\s*'([a-z0-9-]+)'/g)].map(
    ([, handler]) => `${name}.${handler}`,
  );
  const named = [
    `services/${name}`,
    `service-${name}`,
    `@${scope}/contracts/${name}`,
    ...declared.map((each) => each.type),
    ...groups,
  ];
  const speaksOfIt = hitting(named);
  const stories = [...files]
    .filter(([file, text]) => /^test\/system\/[^/]+\//.test(file) && speaksOfIt(text))
    .map(([file]) => file.split('/').slice(0, 3).join('/'));
  const paths = [...new Set([`services/${name}`, ...(files.has(contract) ? [contract] : []), ...stories])];
  const routes = [...code.matchAll(/path: '(\/[a-z0-9-]+)/g)].map(([, route = '']) => `3000${route}`);
  const scripts = Object.entries(manifestOf(files, 'package.json').scripts ?? {});
  const gone = scripts.filter(([, command]) => paths.some((path) => command.includes(`${path}/`)));
  return {
    paths,
    words: [
      ...new Set([
        ...[...paths, ...named, ...routes, `${name}/`, `\`${name}\``, `[${name}]`, `SERVICES=${name}`],
        ...declared.map((each) => each.name),
        ...stories.map((story) => `${story.slice(story.lastIndexOf('/') + 1)}/`),
        ...sources.map(([file]) => file.slice(file.lastIndexOf('/') + 1)).filter((file) => !USUAL.has(file)),
        ...gone.flatMap(([script]) => [`npm run ${script}`, `npm run --silent ${script}`]),
      ]),
    ],
  };
}

/** @throws CannotCreate where what stays imports what goes */
function checkNotNeeded(files: Files, names: readonly string[], gone: readonly string[]): void {
  for (const path of gone.filter((each) => each.startsWith('shared/contracts/'))) {
    const imported = new RegExp(`from '@[a-z0-9-]+/contracts/${path.replace(/^.*\/|\.ts$/g, '')}'`);
    const needing = [...files].find(
      ([file, text]) =>
        file.endsWith('.ts') && !gone.some((each) => file.startsWith(each)) && imported.test(text),
    );
    if (needing === undefined) continue;
    const [file] = needing;
    const other = /^services\/([^/]+)/.exec(file)?.[1];
    throw new CannotCreate(
      `${file} needs ${path}: ${other === undefined ? 'change it first' : `remove both, npm run remove -- ${[...names, other].join(' ')}, or change it first`}`,
    );
  }
}

function withoutOne(files: Files, { paths, words }: Leaving): Files {
  const isGone = (file: string): boolean =>
    paths.some((path) => file === path || file.startsWith(`${path}/`));
  const kept = [...files].filter(([file]) => !isGone(file));
  return new Map(kept.map(([file, text]) => [file, withoutWords(file, text, paths, words)] as const));
}

function withoutWords(file: string, text: string, paths: readonly string[], words: Words): string {
  if (file.endsWith('.md')) return strike(text, words);
  if (/\.ya?ml$/.test(file)) return strikeYaml(text, words);
  if (file === 'package.json' || file === 'test/package.json') return withoutEntries(text, paths, words);
  return text;
}

/** A manifest without the scripts and dependencies that are gone. */
function withoutEntries(text: string, paths: readonly string[], words: Words): string {
  const folders = paths.flatMap(
    (path) => /^(adapter|service)s\/(.*)$/.exec(path)?.slice(1, 3).join('-') ?? [],
  );
  const kept = text
    .split('\n')
    .filter((line) => !paths.some((path) => line.includes(` ${path}/`)))
    .filter((line) => !folders.some((folder) => line.includes(`/${folder}":`)))
    .map((line) => (line.includes('"description":') ? withoutElement(line, words) : line));
  return kept.join('\n').replace(/,(?=\n\s*[}\]])/g, '');
}

function manifestOf(files: Files, file: string): Manifest {
  return JSON.parse(files.get(file) ?? '{}') as Manifest;
}
