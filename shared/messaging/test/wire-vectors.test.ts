import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fnv1a, laneOf } from '../src/index.ts';

const page = readFileSync(new URL('../../../docs/wire.md', import.meta.url), 'utf8');

const cells = (line: string): readonly string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const bare = (cell = ''): string => cell.replaceAll('`', '');

/** The table of test vectors: a key, its hash and its lane for the lane counts that the heading names. */
function readVectors() {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.startsWith('| partitionkey |'));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  const counts = cells(lines[start] ?? '')
    .slice(2)
    .map((heading) => Number(/\d+/.exec(heading)?.[0]));
  const vectors = lines.slice(start + 2, end).map((line) => {
    const [key, hash, ...lanes] = cells(line);
    return {
      key: bare(key),
      hash: bare(hash),
      lanes: lanes.map((lane, index) => ({ lane, of: counts[index] ?? 0 })),
    };
  });
  return { counts, vectors };
}

const { counts, vectors } = readVectors();

describe('the test vectors of docs/wire.md', () => {
  test('are found, with the default lane count and keys beyond ASCII', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(9);
    expect(counts).toContain(16);
    expect(vectors.some(({ key }) => /[^ -~]/.test(key))).toBe(true);
  });

  test.each(vectors)('$key has the hash and the lanes that are written there', ({ key, hash, lanes }) => {
    expect(fnv1a(key).toString(16).padStart(8, '0')).toBe(hash);
    expect(lanes.map(({ of }) => String(laneOf(key, of)))).toEqual(lanes.map(({ lane }) => lane));
  });

  test('a message without a key is unordered, as the page says', () => {
    expect(page).toContain(`the lane named \`${laneOf(undefined, 16)}\``);
  });
});
