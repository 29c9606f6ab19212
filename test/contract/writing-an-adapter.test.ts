import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const BLOCK = /^```ts file=(\S+)\n([^]*?)^```$/gm;

/** What the document leaves to its reader: as little as the compiler needs to check the rest. */
const LEFT_TO_THE_READER: Readonly<Record<string, string>> = {
  'acme-client-type.ts': `export declare class AcmeClient {
      static dial(url: string, options: { reconnect: boolean }): Promise<AcmeClient>;
      onClose(told: (reason: unknown) => void): void;
      close(): Promise<void>;
    }`,
  'acme-client.d.ts': `declare module 'acme-client' {
    export const AcmeClient: typeof import('./acme-client-type.ts').AcmeClient;
  }`,
  'acme-parts.ts': `import type { BrokerConnection, DriverSettings } from '@waggle/messaging';
    type AcmeClient = InstanceType<typeof import('./acme-client-type.ts').AcmeClient>;
    type Rest<Args extends unknown[], Result> = (client: AcmeClient, settings: DriverSettings, ...rest: Args) => Result;
    type Part<Name extends keyof BrokerConnection> = BrokerConnection[Name] extends (...args: infer Args) => infer Result
      ? Rest<Args, Result> : never;
    export declare const consume: Part<'consume'>;
    export declare const headOf: Part<'head'>;
    export declare const readLog: Part<'read'>;
    export declare const publisherOf: Rest<[], BrokerConnection['publish']>;
    export declare const declare: Part<'declare'>;
    export declare const declareLogs: Rest<[], Promise<void>>;
    export declare const describe: Part<'describe'>;
    export declare const lagOf: Part<'lag'>;`,
  ...Object.fromEntries(
    ['consumer', 'log', 'publisher', 'topology'].map((part) => [
      `acme-${part}.ts`,
      `export * from './acme-parts.ts';`,
    ]),
  ),
};

test('what docs/writing-an-adapter.md shows compiles', async () => {
  const text = await readFile(join(ROOT, 'docs/writing-an-adapter.md'), 'utf8');
  const shown = [...text.matchAll(BLOCK)].map(([, file = '', code = '']) => [file, code] as const);
  expect(shown.length).toBeGreaterThan(4);
  const folder = await mkdtemp(join(ROOT, 'test/contract/acme-'));
  try {
    for (const [file, code] of [...Object.entries(LEFT_TO_THE_READER), ...shown]) {
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
