import { describe, expect, test } from 'vitest';
import { deadLetters } from '../../src/tools/dead-letters.ts';
import { printable } from '../../src/tools/tool.ts';
import { run } from './terminal.ts';

describe('the dead-letters command', () => {
  test.each([
    ['', 'no word given: say one of list, show, redrive, discard'],
    ['lst', 'unknown word "lst"'],
    ['list --foo', "Unknown option '--foo'"],
    ['list --consumer', "Option '--consumer <value>' argument missing"],
    ['list x', 'list takes no "x": say show x'],
    ['list --all', 'list knows no --all and no --dry-run'],
    ['show', 'show takes one id'],
    ['show a b', 'show takes one id'],
    ['show a --type x', 'show takes one id'],
    ['redrive', 'redrive is for ids, or for a filter, or for --all'],
    ['redrive --dry-run', 'redrive is for ids, or for a filter, or for --all'],
    ['redrive --all --type x', 'say one of them, and only one'],
    ['list --since yesterday', '--since is "yesterday", which is no time: write 2h'],
    ['discard a --all', 'say one of them, and only one'],
    ['discard a --consumer b', 'say one of them, and only one'],
  ])('refuses "%s" before it connects, and says what to do', async (words, why) => {
    const { status, out, notes } = await run(deadLetters, words.split(' ').filter(Boolean));
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(notes).toContain(why);
    expect(notes).toContain('npm run dead-letters -- --help');
  });

  test('explains itself', async () => {
    const { status, out } = await run(deadLetters, ['--help']);
    expect(status).toBe(0);
    expect(out).toContain('npm run dead-letters -- redrive');
  });

  test('is of no use for a broker that ends with its process, and says where to ask', async () => {
    const { status, notes } = await run(deadLetters, ['list']);
    expect(status).toBe(2);
    expect(notes).toContain('ask the host that has it');
  });

  test('tells every mistake of the environment', async () => {
    const { status, notes } = await run(deadLetters, ['list'], {
      BROKER: 'no-such',
      NAMESPACE: 'Ä',
      LANES: 'x',
    });
    expect(status).toBe(2);
    for (const name of ['BROKER is "no-such"', 'NAMESPACE is "Ä"', 'LANES is "x"'])
      expect(notes).toContain(name);
  });
});

test('what a stranger wrote does nothing to a terminal', () => {
  expect(printable('a\u001b[2Jb\r\n\tc\u009b\u202e')).toBe('a\\u001b[2Jb\\u000d\n\tc\\u009b\\u202e');
});
