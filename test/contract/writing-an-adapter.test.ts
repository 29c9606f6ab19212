import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const TEMPLATE = join(ROOT, 'shared/create/templates/adapter');
const BLOCK = /^```ts file=(\S+)\n([^]*?)^```$/gm;

/** What the document leaves to its reader: as little as the compiler needs to check the rest. */
const CLIENT = `declare module 'kafka-client' {
  export class KafkaClient {
    static connect(url: string, options: object): Promise<KafkaClient>;
    onClose(told: (reason: unknown) => void): void;
    send(log: string, message: object): Promise<void>;
    close(): Promise<void>;
  }
}
`;

test('what docs/writing-an-adapter.md shows compiles as part of a new adapter', async () => {
  const text = await readFile(join(ROOT, 'docs/writing-an-adapter.md'), 'utf8');
  const shown = [...text.matchAll(BLOCK)].map(([, file = '', code = '']) => [file, code] as const);
  expect(shown.length).toBeGreaterThan(2);
  const folder = await mkdtemp(join(ROOT, 'test/contract/kafka-'));
  try {
    for (const part of ['src', 'testing'])
      await cp(join(TEMPLATE, part), join(folder, part), { recursive: true });
    await callIt('kafka', folder);
    await writeFile(join(folder, 'client.d.ts'), CLIENT);
    for (const [file, code] of shown) await writeFile(join(folder, file), code);
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

/** Gives the template in `folder` a name of one word. */
async function callIt(name: string, folder: string): Promise<void> {
  const title = name.replace(/^./, (first) => first.toUpperCase());
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const text = await readFile(file, 'utf8');
    const named = text
      .replaceAll(/paper[- ]plane|paperPlane/g, name)
      .replaceAll('PaperPlane', title)
      .replaceAll('PAPER_PLANE', name.toUpperCase());
    await writeFile(file, named);
    await rename(file, join(entry.parentPath, entry.name.replace('paper-plane', name)));
  }
}
