import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '@waggle/kernel';
import { hostSettings } from '../src/host-settings.ts';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

/** What `.env.example` has to say: every setting of the host and of each adapter, with its meaning and default. */
export async function envExample(): Promise<string> {
  const sections = [section('the host', hostSettings)];
  for (const name of (await readdir(join(ROOT, 'adapters'))).toSorted()) {
    const module = (await import(join(ROOT, 'adapters', name, 'src', 'module.ts'))) as Record<
      string,
      { settings?: Settings }
    >;
    for (const kind of ['broker', 'store']) {
      const settings = module[kind]?.settings ?? {};
      if (Object.keys(settings).length > 0) sections.push(section(`${kind.toUpperCase()}=${name}`, settings));
    }
  }
  return `${sections.join('\n')}`;
}

function section(title: string, settings: Settings): string {
  const lines = Object.entries(settings).map(
    ([name, { description, default: value = '' }]) => `# ${description}\n${name}=${value}`,
  );
  return `# --- ${title} ---\n\n${lines.join('\n')}\n`;
}
