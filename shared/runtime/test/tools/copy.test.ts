import { describe, expect, test } from 'vitest';
import { endEnvironment } from '../../src/tools/copy-ends.ts';
import { copy } from '../../src/tools/copy.ts';
import { run } from './terminal.ts';

describe('the copy command', () => {
  test.each([
    ['', '--from is missing'],
    ['--from memory', '--to is missing'],
    ['--from memory --to memory', 'source and destination are the same'],
    ['--from memory --to memory --to-namespace waggle', 'source and destination are the same'],
    ['--from memory --to memory --from-url x', 'memory has no setting MEMORY_URL'],
    ['--from memory --to memory --to-namespace b', '--from is "memory", which ends with its process'],
    ['--from memory --to memory extra', '"extra" is no option'],
    ['--from memory --to memory --fast', "Unknown option '--fast'"],
    ['--from no-such --to memory', 'BROKER is "no-such"'],
    ['--from ../x --to memory', 'and not a path'],
  ])('refuses "%s" and says what to do', async (words, why) => {
    const environment = { NAMESPACE: 'waggle' };
    const { status, out, notes } = await run(copy, words.split(' ').filter(Boolean), environment);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(notes).toContain(why);
  });

  test('explains itself', async () => {
    expect((await run(copy, ['--help'])).out).toContain('npm run copy -- --from <broker> --to <broker>');
  });
});

test('an end is what options say, then what is said for that end, then what is said for all', async () => {
  const environment = {
    NAMESPACE: 'all',
    LANES: '16',
    TO_LANES: '32',
    TO_NAMESPACE: 'there',
    FROM_LANES: '',
  };
  const options = { broker: 'memory', url: undefined };
  const from = await endEnvironment('from', environment, { ...options, namespace: undefined });
  expect(from.environment).toMatchObject({ BROKER: 'memory', NAMESPACE: 'all', LANES: '16' });
  const to = await endEnvironment('to', environment, { ...options, namespace: undefined });
  expect(to.environment).toMatchObject({ NAMESPACE: 'there', LANES: '32' });
  const given = await endEnvironment('to', environment, { ...options, namespace: 'given' });
  expect(given.environment).toMatchObject({ NAMESPACE: 'given' });
});
