import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../env-example.ts';

/** A store that outlives its process and needs no server. */
export interface FileStore {
  /** For `STORE`. */
  readonly name: string;
  /** What tells a host to keep it in this folder. */
  keptIn(folder: string): Readonly<Record<string, string>>;
}

/** What adapters bring for tests, as far as it is of use here. */
interface Brought {
  readonly testing: { readonly store?: { readonly use?: Partial<Pick<FileStore, 'keptIn'>> } };
}

/** Every one that an adapter brings. */
export async function fileStores(): Promise<readonly FileStore[]> {
  const files = globSync('adapters/*/testing/index.ts', { cwd: ROOT }).toSorted();
  const found = files.map(async (file): Promise<readonly FileStore[]> => {
    const { testing } = (await import(pathToFileURL(join(ROOT, file)).href)) as Brought;
    const keptIn = testing.store?.use?.keptIn;
    return keptIn === undefined ? [] : [{ name: file.split(/[\\/]/)[1] ?? '', keptIn }];
  });
  return (await Promise.all(found)).flat();
}
