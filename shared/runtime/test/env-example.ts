import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Settings } from '@waggle/kernel';
import { hostSettings } from '../src/host-settings.ts';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

type AdapterExports = Readonly<Partial<Record<string, { readonly settings?: Settings }>>>;

/**
 * What the files `.env.example` have to say, by their path: that of the host, and one beside each adapter that has settings. Every
 * setting with its meaning and default.
 */
export async function envExamples(): Promise<ReadonlyMap<string, string>> {
  const host = 'the host; the settings of an adapter stand in its folder, adapters/<name>/.env.example';
  const files = new Map([['.env.example', section(host, hostSettings)]]);
  for (const file of globSync('adapters/*/src/module.ts', { cwd: ROOT }).toSorted()) {
    const name = file.split(/[\\/]/)[1] ?? '';
    const exported = (await import(pathToFileURL(join(ROOT, file)).href)) as AdapterExports;
    const sections = ['broker', 'store'].flatMap((kind) => {
      const settings = exported[kind]?.settings ?? {};
      return Object.keys(settings).length > 0 ? [section(`${kind.toUpperCase()}=${name}`, settings)] : [];
    });
    if (sections.length > 0) files.set(`adapters/${name}/.env.example`, sections.join('\n'));
  }
  return files;
}

function section(title: string, settings: Settings): string {
  const lines = Object.entries(settings).map(
    ([name, { description, default: value = '' }]) => `# ${description}\n${name}=${value}`,
  );
  return `# --- ${title} ---\n\n${lines.join('\n')}\n`;
}
