import { describe, expect, test } from 'vitest';
import { backoff } from '../src/backoff.ts';
import { decode, STRUCTURED, Undecodable } from '../src/index.ts';

const minimal = { specversion: '1.0', id: '1', source: '/s', type: 'testing.done.v1' };
const read = (json: string) =>
  decode({ contentType: STRUCTURED, headers: {}, body: new TextEncoder().encode(json) });
const structured = (value: unknown) => read(JSON.stringify(value));

describe('a structured message from a foreign producer', () => {
  test('whose data_base64 is not base64 is refused rather than corrupted', () => {
    for (const base64 of ['AP-A', 'not base64!', 'AP+A=AP+A', '====', 'AP A']) {
      expect(() => structured({ ...minimal, data_base64: base64 })).toThrow('data_base64 is not base64');
    }
    expect(structured({ ...minimal, data_base64: 'AP+A' }).data).toEqual(new Uint8Array([0, 255, 128]));
    expect(structured({ ...minimal, data_base64: '' }).data).toEqual(new Uint8Array());
  });

  test('with data twice is refused: nobody could say which is meant', () => {
    expect(() => structured({ ...minimal, data: 1, data_base64: 'AP+A' })).toThrow(
      'both data and data_base64',
    );
  });

  test('without data has none', () => {
    expect(structured(minimal).data).toBeUndefined();
  });

  test('cannot reach the prototype of anything', () => {
    const json = JSON.stringify(minimal).slice(0, -1);
    expect(() => read(`${json},"__proto__":{"polluted":true}}`)).toThrow(Undecodable);
    const event = read(`${json},"__proto__":"x","constructor":"y","toString":"z"}`);
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
    expect(event.extensions).toMatchObject({ constructor: 'y' });
    expect('polluted' in event).toBe(false);
  });

  test('keeps integers, booleans and empty text apart in extension attributes', () => {
    const extensions = { zero: 0, no: false, empty: '', count: 2_147_483_647 };
    expect(structured({ ...minimal, ...extensions }).extensions).toEqual(extensions);
  });

  test('that is nested without end is refused or read, but breaks nothing', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const outcome = (() => {
      try {
        return typeof read(`${JSON.stringify(minimal).slice(0, -1)},"data":${deep}}`).data;
      } catch (error) {
        return error instanceof Undecodable ? 'refused' : error;
      }
    })();
    expect(['object', 'refused']).toContain(outcome);
  });
});

describe('a binary message from a foreign producer', () => {
  const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 'testing.done.v1' };
  const body = new TextEncoder().encode('{"a":"ü"}');

  test.each(['application/json; charset=utf-8', 'application/vnd.api+JSON', 'text/json', undefined])(
    'of content type %s has JSON data',
    (contentType) => {
      expect(decode({ contentType, headers, body }).data).toEqual({ a: 'ü' });
    },
  );

  test.each(['text/plain', 'application/jsonl', 'application/x; note=+json'])(
    'of content type %s has bytes',
    (contentType) => {
      expect(decode({ contentType, headers, body }).data).toEqual(body);
    },
  );

  test('that says JSON and is none is refused', () => {
    const broken = new Uint8Array([0x7b, 0xff]);
    expect(() => decode({ contentType: 'application/json', headers, body: broken })).toThrow(
      'not JSON in UTF-8',
    );
  });

  test('that lacks an attribute is refused by its name', () => {
    const { 'ce-source': _, ...rest } = headers;
    expect(() => decode({ contentType: 'application/json', headers: rest, body })).toThrow(
      'the attribute source is missing',
    );
  });
});

test.each(['constructor', 'toString', 'hasOwnProperty'])(
  'a retry option named %s is as unknown as any other',
  (name) => {
    expect(() => backoff({ [name]: 1 })).toThrow(`retry.${name} is not an option`);
  },
);
