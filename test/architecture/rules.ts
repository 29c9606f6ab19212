import { importsComputedName, importsOf, packageOf } from './imports.ts';
import { namesIn, namesOfServices } from './services.ts';
import { peersOf, select, type Tree } from './tree.ts';
import { brokerSpeechIn, said } from './words.ts';

export interface Violation {
  readonly file: string;
  readonly what: string;
}

/** A rule that the linter and the compiler cannot know. Its name says what holds. */
export interface Rule {
  readonly name: string;
  check(tree: Tree): readonly Violation[];
}

const MAX_LINES = 350;
/** A project with a longer name than this template has more lines that had to be broken. */
const [NAME_LENGTH, LINES_A_SIGN] = [6, 5];
/** Signs of about 1,000 lines, which is the same however long the name of the project is. */
const MAX_ADAPTER_CODE = 44_000;
/**
 * Stores are another port, and SQL is another language. A pump is what a broker needs that has no start positions for its queues. Settings are read
 * before there is a driver, and what operators ask about groups is in no message's way.
 */
const COUNTED_APART = /\/src\/(store\/.*|sql-.*|.*-pump|.*-settings|.*-groups)\.ts$/;
const MAX_DRIVER_METHODS = 8;
const DRIVER = 'shared/messaging/src/driver.ts';
/** Tests that hold violations as text. */
const PLANTERS = /^test\/architecture\/.*\.test\.ts$/;
/** A folder in `test/system` tells of services that work together; the manifest of `test` declares them for it. */
const STORIES = /^test\/(system\/[^/]+\/|package\.json$)/;
const OUTSIDE_OF_SERVICES = ['shared', 'adapters', 'test'].flatMap((folder) => [
  `${folder}/**/*.ts`,
  `${folder}/**/*.json`,
]);
const MANIFESTS = ['*/*/package.json', 'shared/create/templates/*/package.json', 'test/package.json'];
const SOURCES = [
  'shared/*/src/**/*.ts',
  'shared/create/templates/*/src/**/*.ts',
  'adapters/*/src/**/*.ts',
  'services/*/src/**/*.ts',
];

/** The folder of a manifest, with its slash. */
const folderOf = (manifest: string): string => manifest.slice(0, -'package.json'.length);

/** What belongs to the workspace of a manifest, and not to one below it. */
function filesOf(tree: Tree, manifest: string): ReturnType<typeof select> {
  const folder = folderOf(manifest);
  const below = select(tree, ...MANIFESTS)
    .map(([other]) => folderOf(other))
    .filter((other) => other !== folder && other.startsWith(folder));
  return select(tree, `${folder}**/*.ts`).filter(([file]) => !below.some((other) => file.startsWith(other)));
}

interface Manifest {
  readonly name?: string;
  /** Of an adapter: the words by which it is spoken of. */
  readonly keywords?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const parse = (text: string): Manifest => JSON.parse(text) as Manifest;

function brokenLines(tree: Tree): number {
  const { name = '' } = parse(tree.get('package.json') ?? '{}');
  return LINES_A_SIGN * Math.max(0, name.length - NAME_LENGTH);
}

/** Signs of what is no comment of its own, white space left out. */
function codeLength(text: string): number {
  const lines = text.split('\n').filter((line) => !/^\s*($|\/\/|\/?\*)/.test(line));
  return lines.join('').replace(/\s/g, '').length;
}

const adaptersOf = (tree: Tree): readonly string[] =>
  select(tree, 'adapters/*/package.json').map(([file]) => file.split('/')[1] ?? '');

export const rules: readonly Rule[] = [
  {
    name: 'no file has more than 350 lines',
    check: (tree) =>
      select(tree, 'shared/**/*.ts', 'adapters/**/*.ts', 'services/**/*.ts', 'test/**/*.ts')
        .map(([file, text]) => ({ file, lines: text.trimEnd().split('\n').length }))
        .filter(({ lines }) => lines > MAX_LINES + brokenLines(tree))
        .map(({ file, lines }) => ({ file, what: `${lines} lines` })),
  },
  {
    name: 'an adapter fits in a reader’s head: about 1,000 lines of code at most',
    check: (tree) =>
      adaptersOf(tree)
        .map((name) => {
          const all = select(tree, `adapters/${name}/src/**/*.ts`);
          const sources = all.filter(([file]) => !COUNTED_APART.test(file));
          return {
            file: `adapters/${name}`,
            code: sources.reduce((sum, [, text]) => sum + codeLength(text), 0),
          };
        })
        .filter(({ code }) => code > MAX_ADAPTER_CODE)
        .map(({ file, code }) => ({ file, what: `${code} signs of code` })),
  },
  {
    name: 'the driver port has at most eight methods',
    check(tree) {
      const [, port] = /^export interface BrokerDriver \{\n([\s\S]*?)^\}/m.exec(tree.get(DRIVER) ?? '') ?? [];
      if (port === undefined) return [{ file: DRIVER, what: 'there is no interface BrokerDriver' }];
      const methods = port.match(/^ {2}(?:readonly )?\w+\??(?:\(|<|: \()/gm) ?? [];
      return methods.length > MAX_DRIVER_METHODS ? [{ file: DRIVER, what: `${methods.length} methods` }] : [];
    },
  },
  {
    // So that a folder that is put there is all it takes, and one that is deleted leaves nothing; in a comment neither.
    name: 'what an adapter is, stands in its folder',
    check(tree) {
      const words = adaptersOf(tree)
        .filter((name) => name !== 'memory')
        .flatMap((name) => {
          const { keywords = [] } = parse(tree.get(`adapters/${name}/package.json`) ?? '{}');
          return [...new Set([name, ...keywords])].map((word) => ({ word, folder: `adapters/${name}/` }));
        });
      return [...tree].flatMap(([file, text]) => {
        const foreign = words.filter(({ folder }) => !file.startsWith(folder)).map(({ word }) => word);
        return PLANTERS.test(file) ? [] : said(text, foreign).map((what) => ({ file, what }));
      });
    },
  },
  {
    name: 'a core does not speak of brokers',
    check: (tree) =>
      select(tree, 'services/*/src/domain/**/*.ts', 'services/*/src/application/**/*.ts').flatMap(
        ([file, text]) => brokerSpeechIn(text).map((what) => ({ file, what })),
      ),
  },
  {
    name: 'every workspace is called @waggle/…, and can be checked and tested',
    check: (tree) =>
      select(tree, ...MANIFESTS).flatMap(([file, text]) => {
        const { name = '', scripts = {} } = parse(text);
        const missing = ['check', 'test'].filter((script) => scripts[script] === undefined);
        return [
          ...(name.startsWith('@waggle/') ? [] : [{ file, what: `the name is "${name}"` }]),
          ...missing.map((script) => ({ file, what: `no script "${script}"` })),
        ];
      }),
  },
  {
    name: 'what must not know Node is compiled without it',
    check: (tree) =>
      select(
        tree,
        'shared/kernel/package.json',
        'shared/contracts/package.json',
        'services/*/package.json',
      ).flatMap(([file, text]) => {
        const config = `${folderOf(file)}tsconfig.core.json`;
        const { extends: base, include, compilerOptions } = JSON.parse(tree.get(config) ?? '{}');
        const expected = file.startsWith('services/') ? 'src/domain,src/application' : 'src';
        const right =
          base === '../../tsconfig.base.json' &&
          String(include) === expected &&
          compilerOptions === undefined;
        const used = parse(text).scripts?.['check']?.includes('tsc -p tsconfig.core.json') === true;
        return [
          ...(right
            ? []
            : [{ file: config, what: `does not compile ${expected} as tsconfig.base.json says` }]),
          ...(used ? [] : [{ file, what: 'the script "check" does not compile tsconfig.core.json' }]),
        ];
      }),
  },
  {
    name: 'what a workspace imports, its manifest declares',
    check: (tree) =>
      select(tree, ...MANIFESTS).flatMap(([manifest, text]) => {
        const { dependencies = {}, devDependencies = {} } = parse(text);
        const folder = folderOf(manifest);
        const forSource = new Set(Object.keys(dependencies));
        const forTests = new Set([...forSource, ...Object.keys(devDependencies), 'vitest']);
        const sources = filesOf(tree, manifest).filter(([file]) => !PLANTERS.test(file));
        return sources.flatMap(([file, source]) => {
          const declared =
            file.startsWith(`${folder}src/`) && !file.endsWith('.test.ts') ? forSource : forTests;
          const packages = new Set(importsOf(source).flatMap((specifier) => packageOf(specifier) ?? []));
          return [...packages].filter((name) => !declared.has(name)).map((what) => ({ file, what }));
        });
      }),
  },
  {
    name: 'what a manifest declares, its workspace imports',
    check: (tree) =>
      select(tree, ...MANIFESTS).flatMap(([file, text]) => {
        const { dependencies = {}, devDependencies = {} } = parse(text);
        const sources = filesOf(tree, file);
        const used = new Set(sources.flatMap(([, source]) => importsOf(source)).map(packageOf));
        const peers = new Set([...used].flatMap((name) => (name === undefined ? [] : peersOf(name))));
        // The host loads services and adapters by name: tests declare those that turbo has to know of.
        const loaded = (name: string): boolean =>
          file === 'test/package.json'
            ? name.startsWith('@waggle/')
            : /^@waggle\/(adapter|service)-/.test(name);
        return Object.keys({ ...dependencies, ...devDependencies })
          .filter((name) => !used.has(name.replace('@types/', '')))
          .filter((name) => !used.has(name) && !peers.has(name) && !loaded(name))
          .map((what) => ({ file, what }));
      }),
  },
  {
    name: 'only the runtime imports by a computed name',
    check: (tree) =>
      select(tree, ...SOURCES)
        .filter(([file, text]) => !file.startsWith('shared/runtime/') && importsComputedName(text))
        .map(([file]) => ({ file, what: 'import() of something that is not a literal' })),
  },
  {
    name: 'what is a service’s stands with the service, its contracts and its story',
    check(tree) {
      const services = namesOfServices(tree);
      return select(tree, ...OUTSIDE_OF_SERVICES)
        .filter(([file]) => !STORIES.test(file))
        .flatMap(([file, text]) =>
          services
            .filter(({ contracts }) => contracts !== file)
            .flatMap((service) => namesIn(file, text, service).map((what) => ({ file, what }))),
        );
    },
  },
  {
    name: 'no comment switches a rule off for imports or types',
    check: (tree) =>
      select(tree, ...SOURCES)
        .filter(([, text]) =>
          /oxlint-disable(?!-next-line [a-z])|oxlint-disable.*(restricted|any\b|non-null)|@ts-nocheck/.test(
            text,
          ),
        )
        .map(([file]) => ({ file, what: 'a rule is switched off' })),
  },
];
