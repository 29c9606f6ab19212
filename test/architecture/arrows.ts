/** Where a file may stand, what it may import there, and what it may not. The table of the design, row by row. */
export interface Arrow {
  readonly from: string;
  readonly may: readonly string[];
  readonly mayNot: readonly string[];
}

const NOT_FOR_A_CORE = ['node:fs', 'zod', 'hono', 'inversify', 'reflect-metadata', 'pino', 'kafkajs', 'mqtt'];
const OTHER_PACKAGES = ['@waggle/adapter-memory', '@waggle/service-another'];

export const arrows: readonly Arrow[] = [
  {
    from: 'shared/kernel/src/planted.ts',
    may: ['./words.ts'],
    mayNot: [
      '@waggle/kernel/testing',
      ...NOT_FOR_A_CORE,
      ...OTHER_PACKAGES,
      '@waggle/contracts',
      '@waggle/messaging',
      '@waggle/runtime',
      '../../contracts/src/index.ts',
      '../package.json',
    ],
  },
  {
    from: 'shared/kernel/testing/planted.ts',
    may: ['./other.ts', '../src/index.ts'],
    mayNot: ['node:fs', 'vitest', '@waggle/messaging', '@waggle/contracts', '../src/clock.ts'],
  },
  {
    from: 'shared/contracts/src/planted.ts',
    may: ['./index.ts', '@waggle/kernel', 'zod'],
    mayNot: [
      '@waggle/kernel/testing',
      ...['node:fs', 'hono', '@waggle/messaging', '@waggle/runtime', '@waggle/kernel/src/words.ts'],
      ...OTHER_PACKAGES,
      '../../kernel/src/index.ts',
    ],
  },
  {
    from: 'shared/contracts/testing/planted.ts',
    may: ['./other.ts', '../src/index.ts', '@waggle/kernel', 'zod'],
    mayNot: ['node:fs', 'vitest', '../src/contract.ts', '@waggle/runtime'],
  },
  {
    from: 'shared/contracts/src/templates/planted.ts',
    may: ['../contract.ts', '../money.ts', '@waggle/kernel', 'zod'],
    mayNot: ['node:fs', '@waggle/runtime', '../index.ts', './honey-house.ts'],
  },
  {
    from: 'shared/messaging/src/planted.ts',
    may: ['./index.ts', '@waggle/kernel', 'node:crypto', 'node:fs/promises'],
    mayNot: [
      '@waggle/kernel/testing',
      ...['zod', 'inversify', 'pino', 'kafkajs', 'mqtt', '@waggle/contracts', '@waggle/runtime'],
      ...OTHER_PACKAGES,
      '../../kernel/src/index.ts',
    ],
  },
  {
    from: 'shared/messaging/src/kit/planted.ts',
    may: ['./link.ts', '../driver.ts', '../system.ts', '@waggle/kernel'],
    mayNot: [
      '@waggle/kernel/testing',
      '../publisher.ts',
      '../index.ts',
      'node:crypto',
      'zod',
      '@waggle/contracts',
      ...OTHER_PACKAGES,
    ],
  },
  {
    from: 'shared/event-sourcing/src/planted.ts',
    may: ['./other.ts', '@waggle/kernel'],
    mayNot: [
      '@waggle/kernel/testing',
      'node:fs',
      'zod',
      '@waggle/messaging',
      '@waggle/contracts',
      '../../kernel/src/index.ts',
    ],
  },
  {
    from: 'shared/runtime/src/planted.ts',
    may: [
      ...[
        './index.ts',
        '@waggle/kernel',
        '@waggle/contracts',
        '@waggle/messaging',
        'hono',
        'hono/logger',
        'hono/utils/http-status',
      ],
      ...[
        '@hono/node-server',
        '@hono/zod-openapi',
        'inversify',
        'pino',
        'prom-client',
        'reflect-metadata',
        'zod',
      ],
      ...['node:http', 'node:fs/promises'],
    ],
    mayNot: [
      '@waggle/kernel/testing',
      ...OTHER_PACKAGES,
      'kafkajs',
      'mqtt',
      '../../kernel/src/index.ts',
      '../../../services/made-up/src/service.ts',
    ],
  },
  {
    from: 'adapters/memory/src/planted.ts',
    may: ['./index.ts', '@waggle/kernel', '@waggle/messaging', 'kafkajs', 'node:net'],
    mayNot: [
      '@waggle/kernel/testing',
      ...[
        'inversify',
        'reflect-metadata',
        'hono',
        '@hono/zod-openapi',
        '@waggle/contracts',
        '@waggle/runtime',
      ],
      ...[
        '@waggle/adapter-pigeon',
        '@waggle/service-another',
        '../../pigeon/src/index.ts',
        '../package.json',
      ],
    ],
  },
  {
    from: 'shared/create/src/planted.ts',
    may: ['./names.ts', 'node:fs', 'node:fs/promises', '@clack/prompts'],
    mayNot: ['@waggle/kernel', '@waggle/runtime', 'zod', '../templates/service/src/service.ts'],
  },
  {
    from: 'shared/create/templates/service/src/application/planted.ts',
    may: ['./ports.ts', '../domain/thing.ts', '@waggle/kernel', '@waggle/contracts/templates/honey-house'],
    mayNot: ['hono', 'inversify', 'node:fs', '@waggle/runtime', '@waggle/messaging', '../service.ts'],
  },
  {
    from: 'shared/create/templates/adapter/src/planted.ts',
    may: ['./index.ts', '@waggle/kernel', '@waggle/messaging', 'kafkajs', 'node:net'],
    mayNot: [
      ...['inversify', '@waggle/runtime', '@waggle/test/contract', '@waggle/adapter-memory'],
      ...['../testing/index.ts', '../../../../messaging/src/index.ts'],
    ],
  },
  {
    from: 'adapters/memory/testing/planted.ts',
    may: [
      ...['./harness.ts', '../src/index.ts', '@waggle/kernel', '@waggle/messaging', 'kafkajs', 'node:net'],
      ...['@waggle/test/adapter', '@waggle/test/contract/settings'],
    ],
    mayNot: [
      ...[
        '@waggle/kernel/testing',
        '@waggle/runtime',
        '@waggle/contracts',
        'inversify',
        'hono',
        '@waggle/adapter-pigeon',
        '@waggle/service-another',
      ],
      ...['../src/module.ts', '../../pigeon/src/index.ts', '../../../test/servers/servers.ts'],
    ],
  },
  {
    from: 'shared/runtime/src/tools/planted.ts',
    may: ['./tool.ts', '../configure.ts', '@waggle/kernel', '@waggle/messaging', 'node:util'],
    mayNot: [
      ...['inversify', 'hono', 'kafkajs', '@waggle/adapter-memory', '@waggle/service-another'],
      ...['../../../../adapters/memory/src/index.ts', '../../package.json'],
    ],
  },
  {
    from: 'adapters/memory/src/module.ts',
    may: ['./index.ts', '@waggle/kernel', '@waggle/messaging', 'inversify'],
    mayNot: [
      '@waggle/kernel/testing',
      'reflect-metadata',
      'hono',
      '@waggle/runtime',
      '@waggle/adapter-memory',
      '../../memory/src/index.ts',
    ],
  },
  {
    from: 'services/made-up/src/domain/planted.ts',
    may: ['./rule.ts'],
    mayNot: [
      '@waggle/kernel/testing',
      ...NOT_FOR_A_CORE,
      ...OTHER_PACKAGES,
      ...['@waggle/kernel', '@waggle/contracts', '@waggle/messaging', '@waggle/runtime'],
      ...[
        '../application/use-case.ts',
        '../adapters/http.ts',
        '../service.ts',
        '../../../another/src/service.ts',
      ],
    ],
  },
  {
    from: 'services/made-up/src/application/planted.ts',
    may: ['./use-case.ts', '../domain/rule.ts', '@waggle/kernel', '@waggle/contracts'],
    mayNot: [
      '@waggle/kernel/testing',
      '@waggle/contracts/testing',
      ...NOT_FOR_A_CORE,
      ...OTHER_PACKAGES,
      ...['@waggle/messaging', '@waggle/runtime'],
      ...['../adapters/http.ts', '../service.ts', '../../../another/src/domain/rule.ts'],
    ],
  },
  {
    from: 'services/made-up/src/adapters/planted.ts',
    may: [
      ...[
        './http.ts',
        '../application/use-case.ts',
        '../domain/rule.ts',
        '@waggle/kernel',
        '@waggle/contracts',
      ],
      ...['hono', '@hono/zod-openapi', 'zod'],
    ],
    mayNot: [
      '@waggle/kernel/testing',
      '@waggle/contracts/testing',
      ...[
        'inversify',
        'reflect-metadata',
        'kafkajs',
        '@waggle/messaging',
        '@waggle/runtime',
        '../service.ts',
      ],
      ...OTHER_PACKAGES,
      '../../../another/src/adapters/http.ts',
    ],
  },
  {
    from: 'services/made-up/src/service.ts',
    may: [
      ...['./domain/rule.ts', './application/use-case.ts', './adapters/http.ts'],
      ...['@waggle/kernel', '@waggle/contracts', '@waggle/runtime', 'inversify'],
    ],
    mayNot: [
      '@waggle/kernel/testing',
      '@waggle/contracts/testing',
      ...['reflect-metadata', 'kafkajs', 'hono', '@waggle/messaging', '../../another/src/service.ts'],
      ...OTHER_PACKAGES,
    ],
  },
  {
    from: 'services/made-up/src/planted.ts',
    may: [],
    mayNot: [
      '@waggle/kernel/testing',
      '@waggle/kernel',
      'inversify',
      '@waggle/runtime',
      '../../another/src/service.ts',
    ],
  },
  {
    from: 'services/made-up/test/planted.test.ts',
    may: [
      '../src/service.ts',
      '@waggle/runtime',
      '@waggle/adapter-memory',
      '@waggle/kernel/testing',
      'node:fs',
      'vitest',
    ],
    mayNot: [
      '@waggle/service-another',
      '../../another/src/service.ts',
      '../../../shared/kernel/src/index.ts',
    ],
  },
  {
    from: 'adapters/memory/test/planted.test.ts',
    may: ['../src/index.ts', '../testing/index.ts', '@waggle/test/servers', 'kafkajs', 'vitest'],
    mayNot: [
      ...['../../pigeon/src/index.ts', '../../pigeon/testing/index.ts', '../../../test/servers/servers.ts'],
    ],
  },
  {
    from: 'test/system/planted.test.ts',
    may: [
      '../servers/servers.ts',
      '@waggle/service-made-up',
      '@waggle/adapter-memory',
      'node:fs',
      'vitest',
      'kafkajs',
    ],
    mayNot: ['../../shared/kernel/src/index.ts', '../../services/made-up/src/service.ts'],
  },
];

/** A file of its own in the same place, so that each violation is planted alone. */
export const elsewhere = (file: string, index: number): string =>
  // `module.ts` and `service.ts` have rules by their name: another adapter and another service are the other places.
  /\/(module|service)\.ts$/.test(file)
    ? file.replace(/^(\w+)\/(\w+)\//, (_, kind: string, name: string) => `${kind}/${name}-${index}/`)
    : file.replace(/planted/, `planted-${index}`);
