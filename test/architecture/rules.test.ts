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

/** Of a service that is not there. */
const MADE_UP =
  '{"name":"@waggle/service-made-up","scripts":{"check":"tsc -p tsconfig.core.json && tsc -p ."}}';
/** One that is there, says something and listens, with a story; `<name>` is replaced, so that this file does not name it. */
const newcomer = {
  'services/<name>/src/service.ts': "import { thingMade } from '@waggle/contracts/<name>';",
  'services/<name>/src/adapters/on-thing-made.ts': "onEvent('make-more', thingMade, nothing)",
  'shared/contracts/src/<name>.ts': "export const thingMade = defineEvent('<name>.thing-made.v1', {});",
  'test/system/invention/planted.test.ts': "import { service } from '@waggle/service-<name>';",
};
const naming = (file: string, text: string, what: string): Planted =>
  JSON.parse(
    JSON.stringify([{ ...newcomer, [file]: text }, file, what]).replaceAll('<name>', 'newcomer'),
  ) as Planted;

const TEMPLATE = 'shared/create/templates/adapter';
const lines = (count: number): string => 'export const line = 1;\n'.repeat(count);
const driver = (methods: number): string =>
  `export interface BrokerDriver {\n  readonly status: string;\n${Array.from({ length: methods }, (_, n) => `  m${n}(): void;\n`).join('')}}\n`;

type Planted = [files: Readonly<Record<string, string>>, file: string, what: string];

/** For each rule: a violation, where it is found and what is said of it. */
const planted: Readonly<Record<string, readonly Planted[]>> = {
  'no file has more than 350 lines': [
    [{ 'shared/kernel/src/planted.ts': lines(700) }, 'shared/kernel/src/planted.ts', '700 lines'],
    [{ 'services/made-up/test/planted.ts': lines(800) }, 'services/made-up/test/planted.ts', '800 lines'],
    [{ 'test/system/planted.ts': lines(900) }, 'test/system/planted.ts', '900 lines'],
  ],
  'an adapter fits in a reader’s head: about 1,000 lines of code at most': [
    [
      {
        'adapters/planted/package.json':
          '{"name":"@waggle/adapter-planted","scripts":{"check":"","test":""}}',
        ...Object.fromEntries(
          Array.from({ length: 10 }, (_, n) => [`adapters/planted/src/${n}.ts`, lines(245)]),
        ),
        'adapters/planted/src/store/planted.ts': lines(300),
        'adapters/planted/src/c/c.ts': `// a comment\n\n${lines(3)}`,
      },
      'adapters/planted',
      '44154 signs of code',
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
      { 'services/made-up/src/domain/planted.ts': 'let exchange;' },
      'services/made-up/src/domain/planted.ts',
      'exchange',
    ],
    [
      { 'services/made-up/src/application/planted.ts': 'order.ackWait();' },
      'services/made-up/src/application/planted.ts',
      'ack',
    ],
    [
      { 'services/another/src/application/planted.ts': '// sent to the routing keys' },
      'services/another/src/application/planted.ts',
      'routing key',
    ],
  ],
  'every workspace is called @waggle/…, and can be checked and tested': [
    [
      manifest('shared/kernel/package.json', { name: 'kernel' }),
      'shared/kernel/package.json',
      'the name is "kernel"',
    ],
    [{ 'services/made-up/package.json': MADE_UP }, 'services/made-up/package.json', 'no script "test"'],
    [
      manifest(`${TEMPLATE}/package.json`, { name: 'planted' }),
      `${TEMPLATE}/package.json`,
      'the name is "planted"',
    ],
  ],
  'what must not know Node is compiled without it': [
    [
      {
        'services/made-up/package.json': MADE_UP,
        'services/made-up/tsconfig.core.json':
          '{"extends":"../../tsconfig.base.json","include":["src/domain"]}',
      },
      'services/made-up/tsconfig.core.json',
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
    [
      { [`${TEMPLATE}/src/planted.ts`]: "import { connect } from 'kafkajs';" },
      `${TEMPLATE}/src/planted.ts`,
      'kafkajs',
    ],
  ],
  'what a manifest declares, its workspace imports': [
    [
      manifest('shared/kernel/package.json', { dependencies: { leftpad: '1.0.0' } }),
      'shared/kernel/package.json',
      'leftpad',
    ],
    [
      // What a template imports is not what the workspace around it does.
      {
        'shared/create/package.json':
          '{"name":"@waggle/create","scripts":{"check":"","test":""},"dependencies":{"inversify":"8.2.3"}}',
      },
      'shared/create/package.json',
      'inversify',
    ],
  ],
  'only the runtime imports by a computed name': [
    [
      { 'shared/kernel/src/planted.ts': 'await import(`node:${name}`);' },
      'shared/kernel/src/planted.ts',
      'import() of something that is not a literal',
    ],
  ],
  'what is a service’s stands with the service, its contracts and its story': [
    naming('test/bench/planted.ts', "import '@waggle/service-<name>';", '@waggle/service-<name>'),
    naming(
      'shared/kernel/package.json',
      JSON.stringify({ name: '@waggle/kernel', dependencies: { '@waggle/service-<name>': '0.1.0' } }),
      '@waggle/service-<name>',
    ),
    naming('test/planted.ts', "const text = read('services/<name>/src/service.ts');", 'services/<name>'),
    naming('test/planted.ts', "run('services/<name>');", 'services/<name>'),
    naming('test/chaos/planted.ts', "export * from '@waggle/contracts/<name>';", '@waggle/contracts/<name>'),
    naming('shared/contracts/test/planted.ts', "await import('../src/<name>.ts');", 'contracts/<name>'),
    naming('shared/contracts/src/planted.ts', "import { thingMade } from './<name>.ts';", 'contracts/<name>'),
    naming('adapters/memory/test/planted.ts', "const type = '<name>.thing-made.v1';", '<name>.thing-made.v1'),
    naming('test/system/planted.ts', "sweep('grp.<name>.make-more');", '<name>.make-more'),
  ],
  'no comment switches a rule off for imports or types': [
    ...['oxlint-disable', 'oxlint-disable-next-line no-restricted-imports', '@ts-nocheck'].map(
      (comment): Planted => [
        { 'services/made-up/src/domain/planted.ts': `// ${comment}\n` },
        'services/made-up/src/domain/planted.ts',
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
