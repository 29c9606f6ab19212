import { describe, expect, test } from 'vitest';
import { camelCase, checkNewName, pascalCase, pluralOf, singularOf } from '../src/names.ts';
import { renameWords } from '../src/words.ts';

test.each([
  ['invoice', 'invoices'],
  ['entry', 'entries'],
  ['day', 'days'],
  ['address', 'addresses'],
  ['box', 'boxes'],
  ['batch', 'batches'],
  ['parcel-label', 'parcel-labels'],
])('%s in the plural is %s, and back', (one, many) => {
  expect(pluralOf(one)).toBe(many);
  expect(singularOf(many)).toBe(one);
});

test.each(['billing', 'status', 'address', 'news-desk'])('%s does not look like a plural', (name) => {
  expect(singularOf(name)).toBeUndefined();
});

test('a name has a spelling for each place in code', () => {
  expect([camelCase('parcel-tracking-2'), pascalCase('parcel-tracking-2')]).toEqual([
    'parcelTracking2',
    'ParcelTracking2',
  ]);
});

test.each(['billing', 'parcel-tracking', 'b', 'a1', 'order-2-cash', 'x'.repeat(40)])(
  '%s is a good name',
  (name) => {
    expect(() => checkNewName('a service', name)).not.toThrow();
  },
);

describe('renaming', () => {
  const rename = (text: string): string =>
    renameWords(text, [
      ['honey-house', 'parcel-desk'],
      ['honey-jars', 'entries'],
      ['honey-jar', 'entry'],
    ]);

  test.each([
    ['honey-house.honey-jar-opened.v1', 'parcel-desk.entry-opened.v1'],
    ['openHoneyJar(honeyJars: HoneyJars)', 'openEntry(entries: Entries)'],
    ['HONEY_HOUSE_URL', 'PARCEL_DESK_URL'],
    ['The honey house opens a honey jar. Honey jars last.', 'The parcel desk opens an entry. Entries last.'],
    ['A honey jar, an honey jar', 'An entry, an entry'],
    ['src/honey-jar.ts', 'src/entry.ts'],
  ])('%s becomes %s', (before, after) => {
    expect(rename(before)).toBe(after);
  });

  test('leaves all else as it is, with what has a meaning to a pattern', () => {
    const text = 'honey, jar, $& $1 \\n house';
    expect(rename(text)).toBe(text);
    expect(renameWords('honey-jar', [['honey-jar', '$&']])).toBe('$&');
  });
});
