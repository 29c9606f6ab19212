import { describe, expect, test } from 'vitest';
import { rules } from './rules.ts';
import { readTree, type Tree } from './tree.ts';

const real = readTree();

/** The repository with these files on top. */
const plant = (files: Readonly<Record<string, string>>): Tree => new Map([...real, ...Object.entries(files)]);

/** The manifest of a real workspace with some of its fields replaced. */
function manifest(file: string, change: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return { [file]: JSON.stringify({ ...JSON.parse(real.get(file) ?? '{}'), ...change }) };
}

const lines = (count: number): string => 'export const line = 1;\n'.repeat(count);
const driver = (methods: number): string =>
  `export interface BrokerDriver {\n  readonly status: string;\n${Array.from({ length: methods }, (_, n) => `  m${n}(): void;\n`).join('')}}\n`;

/** For each rule: a violation, where it is found and what is said of it. */
const planted: Readonly<
  Record<string, readonly [Readonly<Record<string, string>>, file: string, what: string][]>
> = {
  'no file has more than 350 lines': [
    [{ 'shared/kernel/src/planted.ts': lines(351) }, 'shared/kernel/src/planted.ts', '351 lines'],
    [{ 'services/ordering/test/planted.ts': lines(400) }, 'services/ordering/test/planted.ts', '400 lines'],
    [{ 'test/system/planted.ts': lines(360) }, 'test/system/planted.ts', '360 lines'],
  ],
  'an adapter fits in a reader’s head: about 1,000 lines of code at most': [
    [
      {
        'adapters/planted/package.json':
          '{"name":"@waggle/adapter-planted","scripts":{"check":"","test":""}}',
        ...Object.fromEntries(
          Array.from({ length: 10 }, (_, n) => [`adapters/planted/src/${n}.ts`, lines(80)]),
        ),
        'adapters/planted/src/store/planted.ts': lines(300),
        'adapters/planted/src/c/c.ts': `// a comment\n\n${lines(301)}`,
      },
      'adapters/planted',
      '1101 lines of code',
    ],
  ],
  'the driver port has at most eight methods': [
    [{ 'shared/messaging/src/driver.ts': driver(9) }, 'shared/messaging/src/driver.ts', '9 methods'],
    [
      { 'shared/messaging/src/driver.ts': '' },
      'shared/messaging/src/driver.ts',
      'there is no interface BrokerDriver',
    ],
  ],
  'what an adapter is, stands in its folder': [
    ...[
      ['shared/messaging/src/planted.ts', '// as Zeppelins do', 'zeppelin'],
      ['shared/kernel/src/planted.ts', 'let hangarUrl = 1;', 'hangar'],
      ['shared/runtime/test/planted.test.ts', "const via = 'MooringMast';", 'mooringmast'],
      ['test/system/planted.ts', "process.env['ZEPPELIN_URL']", 'zeppelin'],
      ['adapters/memory/src/planted.ts', 'see MooringMast', 'mooringmast'],
      ['turbo.json', '{ "env": ["HANGAR_URL"] }', 'hangar'],
    ].map(([file = '', text = '', what = '']): [Readonly<Record<string, string>>, string, string] => [
      {
        'adapters/zeppelin/package.json':
          '{"name":"@waggle/adapter-zeppelin","keywords":["hangar","mooringmast"],"scripts":{"check":"","test":""}}',
        'adapters/zeppelin/src/zeppelin-driver.ts': '// a hangar',
        [file]: text,
      },
      file,
      what,
    ]),
  ],
  'a core does not speak of brokers': [
    [
      { 'services/ordering/src/domain/planted.ts': 'let exchange;' },
      'services/ordering/src/domain/planted.ts',
      'exchange',
    ],
    [
      { 'services/ordering/src/application/planted.ts': 'order.ackWait();' },
      'services/ordering/src/application/planted.ts',
      'ack',
    ],
    [
      { 'services/payments/src/application/planted.ts': '// sent to the routing keys' },
      'services/payments/src/application/planted.ts',
      'routing key',
    ],
  ],
  'every workspace is called @waggle/…, and can be checked and tested': [
    [
      manifest('shared/kernel/package.json', { name: 'kernel' }),
      'shared/kernel/package.json',
      'the name is "kernel"',
    ],
    [
      manifest('services/ordering/package.json', {
        scripts: { check: 'tsc -p tsconfig.core.json && tsc -p .' },
      }),
      'services/ordering/package.json',
      'no script "test"',
    ],
  ],
  'what must not know Node is compiled without it': [
    [
      {
        'services/ordering/tsconfig.core.json':
          '{"extends":"../../tsconfig.base.json","include":["src/domain"]}',
      },
      'services/ordering/tsconfig.core.json',
      'does not compile src/domain,src/application as tsconfig.base.json says',
    ],
    [
      manifest('shared/kernel/package.json', { scripts: { check: 'tsc -p .', test: 'vitest run' } }),
      'shared/kernel/package.json',
      'the script "check" does not compile tsconfig.core.json',
    ],
  ],
  'what a workspace imports, its manifest declares': [
    [
      { 'shared/messaging/src/planted.ts': "import { connect } from 'kafkajs';" },
      'shared/messaging/src/planted.ts',
      'kafkajs',
    ],
    [
      { 'adapters/memory/src/planted.ts': "import type {\n  Channel,\n} from 'kafkajs/callback_api';" },
      'adapters/memory/src/planted.ts',
      'kafkajs',
    ],
    [{ 'shared/kernel/src/planted.ts': "export * from 'vitest';" }, 'shared/kernel/src/planted.ts', 'vitest'],
    [
      { 'shared/kernel/test/planted.ts': "await import('@hono/x/y');" },
      'shared/kernel/test/planted.ts',
      '@hono/x',
    ],
  ],
  'what a manifest declares, its workspace imports': [
    [
      manifest('shared/kernel/package.json', { dependencies: { leftpad: '1.0.0' } }),
      'shared/kernel/package.json',
      'leftpad',
    ],
  ],
  'only the runtime imports by a computed name': [
    [
      { 'shared/kernel/src/planted.ts': 'await import(`node:${name}`);' },
      'shared/kernel/src/planted.ts',
      'import() of something that is not a literal',
    ],
  ],
  'no comment switches a rule off for imports or types': [
    ...['oxlint-disable', 'oxlint-disable-next-line no-restricted-imports', '@ts-nocheck'].map(
      (comment): [Readonly<Record<string, string>>, string, string] => [
        { 'services/ordering/src/domain/planted.ts': `// ${comment}\n` },
        'services/ordering/src/domain/planted.ts',
        'a rule is switched off',
      ],
    ),
  ],
};

test('the guards read the repository', () => {
  expect(real.size).toBeGreaterThan(100);
  expect([...real.keys()]).toEqual(
    expect.arrayContaining([
      'shared/kernel/src/index.ts',
      'adapters/memory/package.json',
      'test/architecture/rules.ts',
    ]),
  );
});

test('each rule has a planted violation', () => {
  expect(Object.keys(planted)).toEqual(rules.map(({ name }) => name));
});

describe.each(rules)('$name', ({ name, check }) => {
  test('holds for the repository', () => {
    expect(check(real)).toEqual([]);
  });

  test.each(planted[name] ?? [])('finds a planted violation, #%$', (files, file, what) => {
    const known = new Set(check(real).map((violation) => JSON.stringify(violation)));
    const found = check(plant(files)).filter((violation) => !known.has(JSON.stringify(violation)));
    expect(found).toEqual([{ file, what }]);
  });
});
