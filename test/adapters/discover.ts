import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AdapterTesting } from './adapter-testing.ts';

export const ROOT = join(import.meta.dirname, '../..');
const FOUND = 'adapters/*/testing/index.ts';

/** The adapters that can be tested, but for the one in memory, which the tests themselves know: the folders that bring `testing/`. */
export function adapterNames(root: string = ROOT): readonly string[] {
  return globSync(FOUND, { cwd: root })
    .map((file) => file.split(/[\\/]/)[1] ?? '')
    .toSorted();
}

/** Rejects where there is no such adapter, with those that there are. */
export async function adapterTesting(name: string, root: string = ROOT): Promise<AdapterTesting> {
  const names = adapterNames(root);
  if (!names.includes(name))
    throw new Error(`[waggle] there is no "${name}" with adapters/${name}/testing: use ${names.join(', ')}`);
  const file = join(root, FOUND.replace('*', name));
  const { testing } = (await import(pathToFileURL(file).href)) as { readonly testing?: AdapterTesting };
  if (testing !== undefined) return testing;
  throw new Error(`[waggle] ${file} must export \`testing\`: an AdapterTesting of @waggle/test/adapter`);
}

export type Part = keyof AdapterTesting;

/** An adapter and one part of what it brings. */
export interface Found<Name extends Part> {
  readonly name: string;
  readonly part: NonNullable<AdapterTesting[Name]>;
  readonly testing: AdapterTesting;
}

/** The adapters that have this part, by name. */
export async function adaptersWith<Name extends Part>(
  part: Name,
  root?: string,
): Promise<readonly Found<Name>[]> {
  const found = adapterNames(root).map(async (name) => ({ name, testing: await adapterTesting(name, root) }));
  return (await Promise.all(found)).flatMap(({ name, testing }) => {
    const own = testing[part];
    return own === undefined ? [] : [{ name, part: own, testing }];
  });
}
