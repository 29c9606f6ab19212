import { describe, expect, it } from 'vitest';
import { MessagingError } from '@waggle/kernel';
import { z } from 'zod';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRegistry, defineCommand, defineEvent } from '../src/index.ts';
import { honeyJarOpened } from '../src/templates/honey-house.ts';

const SOURCES = join(import.meta.dirname, '../src');
const files = globSync('{,templates/}*.ts', { cwd: SOURCES });
const modules = await Promise.all(
  files.map((file) => import(pathToFileURL(join(SOURCES, file)).href) as Promise<Record<string, unknown>>),
);
const { all, find } = createRegistry(...modules);

describe('the published language', () => {
  it('has contracts', () => {
    expect(all.length).toBeGreaterThan(0);
  });

  it.each(all.map((contract) => [contract.type, contract] as const))(
    '%s shows an example that passes its own schema, also after the way through JSON',
    (_, contract) => {
      expect(contract.check(contract.example)).toBeUndefined();
      expect(contract.check(JSON.parse(JSON.stringify(contract.example)))).toBeUndefined();
    },
  );

  it.each(all.map((contract) => [contract.type, contract] as const))(
    '%s says what it is in a sentence, and what its data looks like as JSON Schema',
    (_, contract) => {
      expect(contract.description).toMatch(/^[A-Z].*\.$/);
      expect(contract.jsonSchema()).toMatchObject({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
      });
    },
  );

  it.each(all.map((contract) => [contract.type, contract] as const))(
    '%s finds fault with what is no data of its own, however hostile',
    (_, contract) => {
      for (const data of [undefined, null, '', 'text', 42, [], {}, Object.create(null), { orderId: '' }]) {
        expect(contract.check(data)).toEqual(expect.any(String));
      }
    },
  );

  it('finds a contract by its type, and nothing under another name', () => {
    expect(find('honey-house.honey-jar-opened.v1')).toBe(honeyJarOpened);
    for (const type of ['honey-house.honey-jar-opened.v2', '', 'toString', '__proto__'])
      expect(find(type)).toBeUndefined();
  });
});

const measure = defineCommand('lab.measure-sample.v1', {
  description: 'Asks for a measurement.',
  schema: z.object({}),
  example: {},
});

describe('a contract', () => {
  const measured = defineEvent('lab.sample-measured.v1', {
    description: 'A sample was measured.',
    schema: z.object({ sample: z.string(), values: z.array(z.object({ grams: z.number() })) }),
    example: { sample: 's-1', values: [{ grams: 1.5 }] },
  });

  it('makes a message of its kind and type, with the data as given', () => {
    const data = { sample: 's-2', values: [] };
    expect(measured(data)).toEqual({ kind: 'event', type: 'lab.sample-measured.v1', data });
    expect(measure(measure.example).kind).toBe('command');
  });

  it('with a key makes messages that keep their order among those of the same key', () => {
    expect(honeyJarOpened(honeyJarOpened.example)).toMatchObject({ key: 'honey-jar-1' });
  });

  it('without a key promises no order', () => {
    expect(measured(measured.example)).not.toHaveProperty('key');
  });

  it('makes no message of data that break the schema, and says where and what', () => {
    const send = () => measured({ sample: 's-2', values: [{ grams: 1 }, { grams: NaN }] });
    expect(send).toThrow(MessagingError);
    expect(send).toThrow('lab.sample-measured.v1 cannot be sent: data.values.1.grams: ');
  });

  it('names every problem of data, each with its place, in one sentence', () => {
    const problem = measured.check({ sample: 1, values: [{ grams: 'heavy' }] });
    expect(problem).toContain('data.sample: ');
    expect(problem).toContain('; data.values.0.grams: ');
    expect(measured.check('nothing like it')).toMatch(/^data: /);
  });

  it('cannot be declared with a bad type or with an example that breaks its own schema', () => {
    const declaration = { description: 'Never.', schema: z.object({ n: z.int() }), example: { n: 1 } };
    expect(() => defineEvent('lab.Measured', declaration)).toThrow('not a message type');
    expect(() => defineCommand('lab.measure.v0', declaration)).toThrow('not a message type');
    expect(() => defineEvent('lab.measured.v1', { ...declaration, example: { n: 1.5 } })).toThrow('data.n: ');
  });
});

describe('the time to live of a command', () => {
  const declare = (timeToLiveMs: number) =>
    defineCommand('lab.measure-sample.v1', {
      description: 'Asks for a measurement.',
      schema: z.object({}),
      example: {},
      timeToLiveMs,
    });

  it('goes with every message of the contract', () => {
    expect(declare(60_000)({})).toMatchObject({ kind: 'command', timeToLiveMs: 60_000 });
    expect(measure(measure.example)).not.toHaveProperty('timeToLiveMs');
  });

  it.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 400 * 86_400_000])(
    'cannot be %d ms',
    (timeToLiveMs) => {
      expect(() => declare(timeToLiveMs)).toThrow(`lab.measure-sample.v1: timeToLiveMs is ${timeToLiveMs}`);
    },
  );
});

describe('a registry', () => {
  const declare = () =>
    defineEvent('lab.sample-measured.v1', {
      description: 'A sample was measured.',
      schema: z.object({}),
      example: {},
    });

  it('refuses a type that is declared twice, and says what to do', () => {
    expect(() => createRegistry({ one: declare() }, { two: declare() })).toThrow(
      'lab.sample-measured.v1 is declared twice: keep one, or give the other a new version',
    );
  });

  it('takes one contract that is exported under two names, or by two modules, once', () => {
    const contract = declare();
    expect(createRegistry({ contract, alias: contract }, { contract }).all).toEqual([contract]);
  });

  it('passes over whatever else a module exports', () => {
    const odd = {
      nothing: null,
      text: 'kind type check',
      list: [],
      helper: () => 1,
      like: { kind: 'event' },
    };
    expect(createRegistry(odd).all).toEqual([]);
  });
});
