import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { integer, text, url } from '@waggle/kernel';
import { describe, expect, test } from 'vitest';
import { ConfigurationError, readSettings, serviceNames, startHost } from '../src/index.ts';
import { envExamples, ROOT } from './env-example.ts';

/** The problems that the host finds in this environment. */
async function problemsOf(environment: Record<string, string>): Promise<readonly string[]> {
  const started = startHost({
    services: [],
    environment: { LOG_LEVEL: 'silent', PORT: '0', ...environment },
  });
  const error: unknown = await started.then(
    async (host) => void (await host.stop()),
    (thrown: unknown) => thrown,
  );
  return error instanceof ConfigurationError ? error.problems : [];
}

describe('settings', () => {
  const schema = {
    NAME: text({ description: 'what it is called' }),
    SIZE: integer({ description: 'how large it is', default: '3', min: 1, max: 9 }),
    WHERE: url(['loft:'], { description: 'where it is', default: 'loft://127.0.0.1:4222' }),
  };

  test('are typed, frozen, and have defaults; an empty variable counts as not set', () => {
    const problems: string[] = [];
    const values = readSettings(schema, { NAME: 'x', SIZE: '' }, problems);
    expect(problems).toEqual([]);
    expect(values).toEqual({ NAME: 'x', SIZE: 3, WHERE: 'loft://127.0.0.1:4222' });
    expect(Object.isFrozen(values)).toBe(true);
  });

  test('are all checked before anything is said, and a secret is never shown', () => {
    const problems: string[] = [];
    readSettings(schema, { SIZE: '12', WHERE: 'http://user:hunter2@host' }, problems);
    expect(problems).toEqual([
      'NAME is not set: what it is called',
      'SIZE is "12": expected a whole number from 1 to 9',
      'WHERE is not usable (its value is secret): expected a URL that starts with loft://',
    ]);
  });
});

describe('the host', () => {
  test('tells every problem at once', async () => {
    expect(
      await problemsOf({ PORT: 'x', LANES: '0', NAMESPACE: 'Not Good', BROKER: 'carrier-pigeon' }),
    ).toEqual([
      expect.stringContaining('LANES is "0"'),
      expect.stringContaining('PORT is "x"'),
      expect.stringContaining('NAMESPACE is "Not Good"'),
      expect.stringContaining('BROKER is "carrier-pigeon": there is no adapters/carrier-pigeon'),
    ]);
  });

  test('tells what is wrong with the services together with the rest', async () => {
    const environment = { LOG_LEVEL: 'silent', SERVICES: 'nope', PORT: 'x', LANES: '0', HOST: '0.0.0.0' };
    const error = await startHost({ environment }).catch((thrown: unknown) => thrown);
    expect(error).toHaveProperty('problems', [
      expect.stringContaining('LANES is "0"'),
      expect.stringContaining('PORT is "x"'),
      expect.stringContaining('API_TOKEN is not set'),
      expect.stringContaining('SERVICES names "nope": there is no services/nope'),
    ]);
  });

  test('runs all services when SERVICES names none', async () => {
    const host = await startHost({ environment: { PORT: '0', LOG_LEVEL: 'silent' } });
    const { services } = (await (await host.request('/health')).json()) as { services: unknown };
    expect(services).toEqual(await serviceNames());
    await host.stop();
  });

  test.each(['./x', '../adapters/memory', '/tmp/x', 'file:///x', 'a/b', '@scope', 'data:text/javascript,1'])(
    'refuses an adapter that is named by a path or a URL: %s',
    async (BROKER) => {
      expect(await problemsOf({ BROKER })).toEqual([
        `BROKER is "${BROKER}": give the name of a folder in adapters/, or of an installed package, and not a path`,
      ]);
    },
  );

  test('refuses a package that is no adapter', async () => {
    expect(await problemsOf({ BROKER: 'hono' })).toEqual([
      expect.stringContaining('no package of that name that exports "./module"'),
    ]);
    // It says nothing about what it exports, so that every path into it can be asked for.
    expect(await problemsOf({ BROKER: 'pino' })).toEqual([
      expect.stringContaining('no package of that name that exports "./module"'),
    ]);
  });

  test('refuses to be reached from elsewhere without a token', async () => {
    expect(await problemsOf({ HOST: '0.0.0.0' })).toEqual([expect.stringContaining('API_TOKEN is not set')]);
  });

  test('refuses an inbox that forgets before the stream does', async () => {
    expect(await problemsOf({ INBOX_MAX_AGE_MS: '60000', RETENTION_MAX_AGE_MS: '60001' })).toEqual([
      expect.stringContaining('INBOX_MAX_AGE_MS is 60000, less than RETENTION_MAX_AGE_MS (60001)'),
    ]);
  });

  test('says which port is taken', async () => {
    const first = await startHost({ services: [], environment: { PORT: '0', LOG_LEVEL: 'silent' } });
    const { port } = new URL(first.url);
    expect(await problemsOf({ PORT: port })).toEqual([
      expect.stringContaining(`PORT=${port} cannot be listened on`),
    ]);
    await first.stop();
  });
});

const examples = await envExamples();

test.for([...examples])('%s has every setting with its meaning and default', async ([file, text]) => {
  expect(await readFile(join(ROOT, file), 'utf8'), 'write them with npm run env').toBe(text);
});

test('there is no .env.example of an adapter without settings', () => {
  const there = globSync('adapters/*/.env.example', { cwd: ROOT });
  expect(there.filter((file) => !examples.has(file))).toEqual([]);
});
