import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { copyTemplate, readTemplate } from '@waggle/create/template';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
/** Where no other test looks for sources meanwhile. */
const REPORTS = join(ROOT, 'test/reports');
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
  await mkdir(REPORTS, { recursive: true });
  const folder = await mkdtemp(join(REPORTS, 'kafka-'));
  try {
    const sources = [...readTemplate(ROOT, 'adapter')].filter(([file]) => /^(src|testing)\//.test(file));
    const made = copyTemplate(new Map(sources), '', [['paper-plane', 'kafka']]);
    for (const [file, code] of [...made, ['client.d.ts', CLIENT] as const, ...shown]) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), code);
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
