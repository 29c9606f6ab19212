import { describe, expect, it } from 'vitest';
import {
  checkGroup,
  checkName,
  checkTypePattern,
  contextOf,
  groupName,
  matchesType,
  MessagingError,
  parseMessageType,
} from '../src/index.ts';

const long = 'a'.repeat(300);

/** Each breaks one rule of `<context>.<name>.v<major>`. */
const hostileTypes: readonly [string, string][] = [
  ['nothing at all', ''],
  ['an empty context', '.parcel-posted.v1'],
  ['an empty name', 'parcels..v1'],
  ['no version', 'parcels.parcel-posted'],
  ['an empty version', 'parcels.parcel-posted.'],
  ['version 0', 'parcels.parcel-posted.v0'],
  ['a version with a leading zero', 'parcels.parcel-posted.v01'],
  ['a minor version', 'parcels.parcel-posted.v1.2'],
  ['a negative version', 'parcels.parcel-posted.v-1'],
  ['a version in upper case', 'parcels.parcel-posted.V1'],
  ['upper case', 'Parcels.ParcelPosted.v1'],
  ['a part that starts with a digit', '1parcels.parcel-posted.v1'],
  ['a part that starts with a dash', '-parcels.parcel-posted.v1'],
  ['an underscore', 'parcels.parcel_posted.v1'],
  ['a space', 'parcels.parcel posted.v1'],
  ['a line break at the end', 'parcels.parcel-posted.v1\n'],
  ['a null character', 'parcels.parcel\0posted.v1'],
  ['letters that are not ASCII', 'bestellung.größe.v1'],
  ['a look-alike letter', 'раrcels.parcel-posted.v1'],
  ['digits of another script', 'parcels.parcel-posted.v１'],
  ['a wildcard', 'parcels.*.v1'],
  ['the wildcard of another broker', 'parcels.>'],
  ['a path', '../../etc.passwd.v1'],
  ['300 characters', `parcels.${long}.v1`],
];

describe('a message type', () => {
  it.each([
    ['parcels.parcel-posted.v1', { context: 'parcels', name: 'parcel-posted', major: 1 }],
    ['a.b.v1', { context: 'a', name: 'b', major: 1 }],
    ['order-2-cash.step3.v12', { context: 'order-2-cash', name: 'step3', major: 12 }],
  ])('%s is taken apart into context, name and major version', (type, parts) => {
    expect(parseMessageType(type)).toEqual(parts);
    expect(contextOf(type)).toBe(parts.context);
  });

  it.each(hostileTypes)('with %s is refused, saying what to write', (_, type) => {
    expect(() => parseMessageType(type)).toThrow(MessagingError);
    expect(() => parseMessageType(type)).toThrow('write <context>.<name>.v<major>');
    expect(() => parseMessageType(type)).toThrow(
      expect.objectContaining({ code: 'invalid', retryable: false }),
    );
  });

  it('may have 120 characters and no more', () => {
    const ofLength = (length: number) => `a.${'b'.repeat(length - 5)}.v1`;
    expect(ofLength(120)).toHaveLength(120);
    expect(parseMessageType(ofLength(120)).major).toBe(1);
    expect(() => parseMessageType(ofLength(121))).toThrow('at most 120 characters');
  });

  it('that is refused is quoted only as far as a log line can bear', () => {
    const error = catchFrom(() => parseMessageType('x'.repeat(1_000_000)));
    expect(error.message.length).toBeLessThan(400);
  });
});

describe('a type pattern', () => {
  it.each(['*', 'parcels.*', 'parcels.parcel-posted.v1'])('may be %s', (pattern) => {
    expect(() => checkTypePattern(pattern)).not.toThrow();
  });

  it.each([
    '',
    '**',
    '*.parcel-posted.v1',
    'parcels.**',
    'parcels.parcel-posted.*',
    'parcels',
    'Parcels.*',
    '>',
    '#',
  ])('may not be "%s"', (pattern) => {
    expect(() => checkTypePattern(pattern)).toThrow(MessagingError);
  });

  it('asks for one type, for all of a context, or for everything', () => {
    const type = 'parcels.parcel-posted.v1';
    expect(matchesType('*', type)).toBe(true);
    expect(matchesType('parcels.*', type)).toBe(true);
    expect(matchesType(type, type)).toBe(true);
  });

  it('does not ask for another version, another context, or a context whose name only begins the same', () => {
    expect(matchesType('parcels.parcel-posted.v1', 'parcels.parcel-posted.v11')).toBe(false);
    expect(matchesType('depot.*', 'parcels.parcel-posted.v1')).toBe(false);
    expect(matchesType('parcels.*', 'parcels-eu.parcel-posted.v1')).toBe(false);
  });
});

describe('a name', () => {
  it.each(['a', 'parcels', 'parcel-2', 'a'.repeat(120)])('may be %s', (name) => {
    expect(() => checkName('service', name)).not.toThrow();
  });

  it.each(['', 'Parcels', '2nd', '-a', 'a.b', 'a b', 'a_b', 'a\n', 'größe', '🐝', 'a'.repeat(121), long])(
    'may not be "%s"',
    (name) => {
      expect(() => checkName('service', name)).toThrow('cannot name a service');
    },
  );

  it('of a group is the service and the handler, so that two services never share one', () => {
    expect(groupName('parcels', 'settle-parcel')).toBe('parcels.settle-parcel');
    expect(() => checkGroup('parcels.settle-parcel')).not.toThrow();
  });

  it('of a group cannot be made of parts that hold a dot', () => {
    expect(() => groupName('parcels.eu', 'settle')).toThrow('cannot name a service');
    expect(() => groupName('parcels', 'settle.eu')).toThrow('cannot name a handler');
  });

  it.each(['', '.', 'parcels', 'parcels.', '.settle', 'a.b.c', 'Parcels.settle', `parcels.${long}`])(
    'of a group may not be "%s"',
    (group) => {
      expect(() => checkGroup(group)).toThrow(MessagingError);
    },
  );
});

function catchFrom(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
