import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const BLOCK = /^```ts file=(\S+)\n([^]*?)^```$/gm;

/** What the document leaves to its reader: as little as the compiler needs to check the rest. */
const LEFT_TO_THE_READER: Readonly<Record<string, string>> = {
  'acme-client.d.ts': `declare module '@acme/client' {
    export class AcmeClient {
      static dial(url: string, options: { reconnect: boolean }): Promise<AcmeClient>;
      onClose(told: (reason: unknown) => void): void;
      close(): Promise<void>;
    }
  }`,
};

test('what docs/writing-an-adapter.md shows compiles', async () => {
  const text = await readFile(join(ROOT, 'docs/writing-an-adapter.md'), 'utf8');
  const shown = [...text.matchAll(BLOCK)].map(([, file = '', code = '']) => [file, code] as const);
  expect(shown.length).toBeGreaterThan(4);
  const folder = await mkdtemp(join(ROOT, 'test/contract/acme-'));
  try {
    for (const [file, code] of [...Object.entries(LEFT_TO_THE_READER), ...shown]) {
      // As the document says: what has no folder lies in src/.
      const path = join(folder, file.includes('/') ? file : `src/${file}`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, code);
    }
    const config = {
      extends: '../../../tsconfig.node.json',
      compilerOptions: { noEmit: true },
      include: ['.'],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const said = await promisify(execFile)(tsc, ['-p', folder]).catch((error: { stdout: string }) => error);
    expect(said.stdout).toBe('');
  } finally {
    await rm(folder, { recursive: true });
  }
});
