import { describe, expect, test } from 'vitest';
import { createMemoryDriver } from '@waggle/adapter-memory';
import { silentLogger } from '@waggle/kernel';
import { groups } from '../../src/tools/groups.ts';
import { handledHere } from '../../src/tools/handled-here.ts';
import { run } from './terminal.ts';

describe('the groups command', () => {
  test.each([
    ['', 'no word given: say one of list, reset, delete'],
    ['show', 'unknown word "show"'],
    ['list all', 'list takes no "all"'],
    ['list --from new', 'list knows no --from'],
    ['list --yes', 'list does nothing that --yes could be said to'],
    ['reset --from new', 'reset takes the name of one group'],
    ['reset a.b', 'where should a.b begin? Say --from beginning, new or a cursor'],
    ['reset a.b --from', "Option '--from <value>' argument missing"],
    ['reset a.b c.d --from new', 'reset takes the name of one group'],
    ['delete', 'no word given: say one of group, queue'],
    ['delete a.b', 'unknown word "a.b": say one of group, queue'],
    ['delete group', 'delete group takes the name of one group'],
    ['delete queue a b', 'delete queue takes the name of one queue'],
    ['delete queue a --from new', 'delete knows no --from'],
    ['list --force', "Unknown option '--force'"],
  ])('refuses "%s" before it connects, and says what to do', async (words, why) => {
    const { status, out, notes } = await run(groups, words.split(' ').filter(Boolean));
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(notes).toContain(why);
    expect(notes).toContain('npm run groups -- --help');
  });
});

test('what is handled here is what all services have a handler or a command for, whichever of them run', async () => {
  const driver = createMemoryDriver({
    namespace: 'test',
    lanes: 4,
    retention: { maxAgeMs: 1_000, maxBytes: 1_000_000 },
    maxMessageBytes: 1_000,
    requestTimeoutMs: 1_000,
    leaseMs: 1_000,
    logger: silentLogger,
  });
  const used = await handledHere({ SERVICES: 'payments', LOG_LEVEL: 'silent' }, driver);
  expect([...used].toSorted()).toEqual([
    'group notifications.notify-customer',
    'group ordering.settle-order',
    'queue payments',
  ]);
});
