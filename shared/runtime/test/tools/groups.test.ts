import { describe, expect, test } from 'vitest';
import { createMemoryDriver } from '@waggle/adapter-memory';
import { parcelArrived, sendParcel } from '@waggle/contracts/testing';
import { onCommand, onEvent, silentLogger } from '@waggle/kernel';
import { groups } from '../../src/tools/groups.ts';
import { handledHere } from '../../src/tools/handled-here.ts';
import { aService } from '../start.ts';
import { run } from './terminal.ts';

const nothing = async (): Promise<void> => undefined;

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
  const environment = { SERVICES: 'no-such-service', LOG_LEVEL: 'silent' };
  const reads = aService({ name: 'reads', handlers: [onEvent('note', parcelArrived, nothing)] });
  const takes = aService({ name: 'takes', handlers: [onCommand('send', sendParcel, nothing)] });
  const driver = createMemoryDriver({
    namespace: 'test',
    lanes: 4,
    retention: { maxAgeMs: 1_000, maxBytes: 1_000_000 },
    maxMessageBytes: 1_000,
    requestTimeoutMs: 1_000,
    leaseMs: 1_000,
    logger: silentLogger,
  });
  const used = await handledHere(environment, driver, { services: [reads, takes] });
  expect([...used]).toEqual(['group reads.note', 'queue parcels']);
  expect(await handledHere(environment, driver)).toEqual(await handledHere({ LOG_LEVEL: 'silent' }, driver));
});
