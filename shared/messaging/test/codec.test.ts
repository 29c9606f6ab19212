import type { CloudEvent } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { describe, expect, test } from 'vitest';
import { decode, encode, STRUCTURED, Undecodable } from '../src/index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const structured = (value: unknown, contentType = STRUCTURED) => ({
  contentType,
  headers: {},
  body: bytes(JSON.stringify(value)),
});
const minimal = { specversion: '1.0', id: '1', source: '/s', type: 'testing.done.v1', data: null } as const;

describe('what is written', () => {
  test('is read again as it was, unicode, keys and extension attributes included', () => {
    const event: CloudEvent = {
      ...minimal,
      time: '2026-11-23T09:00:00.000Z',
      partitionkey: 'é☃ "quoted"\n',
      expirytime: '2026-11-23T10:30:00+01:00',
      correlationid: 'c',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      extensions: { mine: 'ü', count: 3, yes: true },
      data: { text: '☃', list: [1, null] },
    };
    expect(decode({ contentType: STRUCTURED, headers: {}, body: encode(event) })).toEqual(event);
  });

  test('carries binary data as data_base64', () => {
    const event = { ...minimal, data: new Uint8Array([0, 255, 128]) };
    expect(JSON.parse(new TextDecoder().decode(encode(event)))).toMatchObject({ data_base64: 'AP+A' });
    expect(decode({ contentType: STRUCTURED, headers: {}, body: encode(event) }).data).toEqual(event.data);
  });

  test.each(['id', 'data', 'data_base64', 'traceparent', 'Upper', 'with-dash', 'a'.repeat(21), ''])(
    'may not have an extension attribute named "%s"',
    (name) => {
      expect(() => encode({ ...minimal, extensions: { [name]: 'x' } })).toThrow(MessagingError);
    },
  );

  test.each(['', 'soon', '5', '2026-11-23', '2026-11-23T10:30:00', '2026-13-23T10:30:00Z'])(
    'may not expire at "%s"',
    (expirytime) => {
      expect(() => encode({ ...minimal, expirytime })).toThrow('expirytime is');
    },
  );

  test('needs a type by our naming, an id and a source', () => {
    for (const wrong of [{ type: 'Done' }, { id: '' }, { source: '' }]) {
      expect(() => encode({ ...minimal, ...wrong })).toThrow(expect.objectContaining({ code: 'invalid' }));
    }
  });
});

describe('structured mode', () => {
  test('is known by its content type, with parameters and in any case', () => {
    expect(decode(structured(minimal, 'Application/CloudEvents+JSON; charset=UTF-8'))).toEqual(minimal);
  });

  test('counts an attribute that is null as not there, and keeps foreign ones', () => {
    const event = decode(structured({ ...minimal, subject: null, theirs: 'x', none: null }));
    expect(event).toEqual({ ...minimal, extensions: { theirs: 'x' } });
  });

  test.each([
    ['another version', { ...minimal, specversion: '0.3' }, 'specversion is "0.3"'],
    ['no id', { ...minimal, id: undefined }, 'the attribute id is missing'],
    ['an empty source', { ...minimal, source: '' }, 'the attribute source is missing'],
    ['a time that is a number', { ...minimal, time: 5 }, 'the attribute time is not a string'],
    ['an extension that is an object', { ...minimal, theirs: {} }, 'extension attribute theirs'],
    ['a list', [minimal], 'not a JSON object'],
    ['data_base64 that is a number', { ...minimal, data_base64: 1 }, 'data_base64 is not a string'],
  ])('refuses %s', (_, value, reason) => {
    expect(() => decode(structured(value))).toThrow(reason);
  });

  test('refuses what is not JSON, or not UTF-8, or a batch', () => {
    const refused =
      (body: Uint8Array, contentType = STRUCTURED) =>
      () =>
        decode({ contentType, headers: {}, body });
    expect(refused(bytes('{'))).toThrow(Undecodable);
    expect(refused(new Uint8Array([0x22, 0xff, 0x22]))).toThrow('not JSON in UTF-8');
    expect(refused(bytes('[]'), 'application/cloudevents-batch+json')).toThrow(Undecodable);
    expect(refused(bytes('{}'), 'application/json')).toThrow('neither structured mode');
  });
});

describe('binary mode', () => {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-source': '/s',
    'ce-type': 'testing.done.v1',
    'ce-mine': 'x',
  };

  test('takes the attributes from headers and JSON data from the body', () => {
    const event = decode({ contentType: 'application/json', headers, body: bytes('{"a":1}') });
    expect(event).toEqual({
      ...minimal,
      datacontenttype: 'application/json',
      extensions: { mine: 'x' },
      data: { a: 1 },
    });
  });

  test('takes the time at which it expires from a header', () => {
    const expirytime = '2026-11-23T10:30:00Z';
    const all = { ...headers, 'ce-expirytime': expirytime };
    expect(decode({ contentType: '', headers: all, body: bytes('1') })).toMatchObject({ expirytime });
  });

  test('leaves other data as bytes', () => {
    const body = new Uint8Array([1, 2]);
    expect(decode({ contentType: 'image/png', headers, body }).data).toEqual(body);
  });
});
