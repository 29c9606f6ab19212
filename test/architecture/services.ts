import { importsOf } from './imports.ts';
import { select, type Tree } from './tree.ts';

/** A service that is there, and by what it can be told in a text. */
export interface NamesOfService {
  readonly name: string;
  /** The file of its contracts, whether it has any or not. */
  readonly contracts: string;
  /** Types of its messages, as its contracts declare them, and its groups. */
  readonly said: readonly string[];
}

/** Of every service in `services/`. */
export function namesOfServices(tree: Tree): readonly NamesOfService[] {
  const found = new Set([...tree.keys()].flatMap((file) => /^services\/([^/]+)\//.exec(file)?.[1] ?? []));
  return [...found].map((name) => {
    const contracts = `shared/contracts/src/${name}.ts`;
    const types = [...(tree.get(contracts) ?? '').matchAll(/'([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+)'/g)];
    const sources = select(tree, `services/${name}/src/**/*.ts`).map(([, text]) => text);
    const handlers = [...sources.join('\n').matchAll(/\bon(?:Event|Command)\(\s*'([a-z0-9-]+)'/g)];
    return {
      name,
      contracts,
      said: [
        ...types.flatMap(([, type = '']) => (type.startsWith(`${name}.`) ? type : [])),
        ...handlers.map(([, handler]) => `${name}.${handler}`),
      ],
    };
  });
}

/** By what a file names a service: a package, a path, the module of its contracts, a message type, a group. */
export function namesIn(file: string, text: string, { name, said }: NamesOfService): readonly string[] {
  const packageName = `@waggle/service-${name}`;
  const path = `services/${name}`;
  const contracts = `contracts/${name}`;
  const imports = importsOf(text);
  const isBeside = file.startsWith('shared/contracts/');
  return [
    ...(endsThere(text, packageName) ? [packageName] : []),
    // As a path: a sentence may say that there is no such service.
    ...(new RegExp(`\\b${path}(?:/|['"\`])`).test(text) ? [path] : []),
    ...(imports.includes(`@waggle/${contracts}`) ? [`@waggle/${contracts}`] : []),
    ...(isBeside && imports.some((each) => /^\.\.?\/(src\/)?/.test(each) && each.endsWith(`/${name}.ts`))
      ? [contracts]
      : []),
    ...said.filter((each) => endsThere(text, each)),
  ];
}

/** Whether it is said, and not as the beginning of a longer name. */
const endsThere = (text: string, name: string): boolean =>
  new RegExp(`(?<![a-z0-9-])${name.replaceAll('.', '\\.')}(?![a-z0-9-])`).test(text);
