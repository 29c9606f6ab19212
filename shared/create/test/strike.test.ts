import { describe, expect, test } from 'vitest';
import { strike, strikeYaml } from '../src/strike.ts';

const WORDS = ['pigeon', 'PIGEON_URL', 'PigeonMQ'];
const struck = (text: string): string => strike(text, WORDS);

describe('out of a sentence', () => {
  test.each([
    ['It runs on Crow, Pigeon or Raven.', 'It runs on Crow or Raven.'],
    ['It runs on Crow, Raven or Pigeon.', 'It runs on Crow or Raven.'],
    ['It runs on Pigeon, Crow or Raven.', 'It runs on Crow or Raven.'],
    ['It runs on Crow and Pigeon, with ease.', 'It runs on Crow, with ease.'],
    ['It runs on Pigeon and Crow.', 'It runs on Crow.'],
    ['It runs on **Crow**, on **PigeonMQ** or **in a nest**.', 'It runs on **Crow** or **in a nest**.'],
    ['It runs on **Pigeon**, on **Crow** or **in a nest**.', 'It runs on **Crow** or **in a nest**.'],
    ['From `CROW_URL`, `PIGEON_URL` and `RAVEN_URL` it comes.', 'From `CROW_URL` and `RAVEN_URL` it comes.'],
    ['From `PIGEON_URL`, `CROW_URL` and `RAVEN_URL` it comes.', 'From `CROW_URL` and `RAVEN_URL` it comes.'],
    ['Birds: crow; pigeon, raven.', 'Birds: crow; raven.'],
    ['A crow is a bird, to a Pigeon owner its friend. Raven talks.', 'Raven talks.'],
    ['Say `up [crow|pigeon|raven]`.', 'Say `up [crow|raven]`.'],
    ['Crow flies. Pigeon 4 was never tried. Raven talks.', 'Crow flies. Raven talks.'],
    ['Crow flies (Pigeon walks), and lands.', 'Crow flies, and lands.'],
    ['Crow flies; the pigeon walks. Raven talks.', 'Crow flies. Raven talks.'],
    ['Crow flies. There is one more: `pigeon` walks.', 'Crow flies.'],
    ['A carrierpigeon and PIGEONS are others.', 'A carrierpigeon and PIGEONS are others.'],
  ])('%j becomes %j', (before, after) => {
    expect(struck(before)).toBe(after);
  });
});

test('of a table its column goes, or its rows', () => {
  expect(struck('| | crow | pigeon |\n| --- | :---: | ---: |\n| flies | ✓ | ✗ |')).toBe(
    '| | crow |\n| --- | :---: |\n| flies | ✓ |',
  );
  expect(struck('| bird | flies |\n| --- | --- |\n| crow | ✓ |\n| pigeon 4 | ✗ |')).toBe(
    '| bird | flies |\n| --- | --- |\n| crow | ✓ |',
  );
});

test('a column takes its footnotes along, and the others are counted anew', () => {
  const text = [
    '<!-- birds:begin -->',
    '| | crow | pigeon | raven |\n| --- | --- | --- | --- |\n| flies | ✓¹ | ✗² | ✓³ |',
    '¹ crow: far.',
    '² pigeon: not far.',
    '³ raven: high.',
    '<!-- birds:end -->',
  ].join('\n\n');
  expect(struck(text).split('\n\n')).toEqual([
    '<!-- birds:begin -->',
    '| | crow | raven |\n| --- | --- | --- |\n| flies | ✓¹ | ✓² |',
    '¹ crow: far.',
    '² raven: high.',
    '<!-- birds:end -->',
  ]);
});

test('a heading that is about it takes its section along, and no more', () => {
  expect(struck('# Birds\n\n## Pigeon\n\nwalks\n\n### its nest\n\nsmall\n\n## Crow\n\nflies')).toBe(
    '# Birds\n\n## Crow\n\nflies',
  );
});

test('commands lose a line; code of which a part would be missing goes, with what introduced it', () => {
  expect(struck('Say:\n\n```sh\nBIRD=crow fly\nBIRD=pigeon fly\n```')).toBe(
    'Say:\n\n```sh\nBIRD=crow fly\n```',
  );
  expect(struck('It is simple. In code:\n\n```ts\nfly(pigeon);\nland();\n```\n\nDone.')).toBe(
    'It is simple.\n\nDone.',
  );
});

test('items of a list go, and those with a number are counted anew', () => {
  expect(struck('- crow\n- pigeon\n- raven')).toBe('- crow\n- raven');
  expect(struck('1. Crow flies.\n2. Pigeon walks.\n3. Raven talks.')).toBe('1. Crow flies.\n2. Raven talks.');
});

test('what does not speak of it stays as it is, to the space', () => {
  const text = '# Birds  \n\n\n- crow,\n  or   raven\n';
  expect(struck(text)).toBe(text);
});

test('of YAML a key goes with all below it, and comments like sentences', () => {
  const text =
    '# Crow, Pigeon and Raven\nbirds:\n  crow:\n    flies: true\n  pigeon:\n    flies: false\n\n  raven: {}\nurl: ${PIGEON_URL}\n';
  expect(strikeYaml(text, WORDS)).toBe('# Crow and Raven\nbirds:\n  crow:\n    flies: true\n  raven: {}\n');
});
