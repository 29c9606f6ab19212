import { parcelArrived } from '@waggle/contracts/testing';
import { startHost } from '@waggle/runtime';
import { describe, expect, onTestFinished, test } from 'vitest';
import { depot, DEPOT_SOURCES } from './depot.ts';
import { npmRun } from './npm-run.ts';
import { durable, environmentFor } from './start.ts';
import { tellIfNone } from '../adapters/tell-if-none.ts';

tellIfNone('broker', durable);

const OLD = 'old.handler';
const SOURCES = [...DEPOT_SOURCES, `grp.${OLD}`];

interface Row {
  readonly kind: string;
  readonly name: string;
  readonly lag: number;
  readonly inUse: boolean;
  readonly orphan: boolean;
}

describe.each(durable)('the groups of a system on %s', (broker) => {
  /** A running system, with one more group, in a repository that has a handler for none of them; and the command. */
  async function aSystem() {
    const environment = { ...(await environmentFor(broker, SOURCES)), LEASE_MS: '2000' };
    const host = await startHost({ ...depot, environment });
    onTestFinished(async () => void (await host.stop()));
    const left = await host.messaging.events.subscribe({ group: OLD, types: ['*'] }, async () => undefined);
    const command = (...words: readonly string[]) => npmRun('groups', words, environment);
    const list = async (): Promise<readonly Row[]> => {
      const { status, stdout, stderr } = await command('list', '--json');
      expect(status, stderr).toBe(0);
      return JSON.parse(stdout).groups;
    };
    /** The same of one group, without a process for each look. */
    const state = async (name: string) =>
      (await host.messaging.groups.list()).find((each) => each.name === name);
    const { type, data } = parcelArrived(parcelArrived.example);
    const event = (id: string) => ({ specversion: '1.0' as const, id, source: '/test', type, data });
    return { host, left, command, list, state, event };
  }

  test('are listed with how far they are behind; what no handler here uses is an orphan, and can be deleted', async () => {
    const { host, left, command, list, state, event } = await aSystem();
    const all = await list();
    expect(all.map(({ kind, name, inUse, orphan }) => [kind, name, inUse, orphan])).toEqual([
      ['group', 'depot.note-arrival', true, true],
      ['group', OLD, true, true],
      ['queue', 'parcels', true, true],
    ]);
    const inUse = await command('delete', 'group', OLD, '--yes');
    expect(inUse).toMatchObject({ status: 1, stderr: expect.stringContaining(`group ${OLD} is in use`) });
    await left.drain(0);
    await host.messaging.events.publish(event('a'), event('b'));
    await expect.poll(() => state(OLD), { timeout: 30_000 }).toMatchObject({ lag: 2, inUse: false });
    expect((await command('list')).stdout).toMatch(/group +old\.handler +by-key +2 +no +ORPHAN +\*/);
    const asked = await command('delete', 'group', OLD);
    expect(asked).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('would delete group old.handler: 2 unsettled messages are forgotten'),
      stderr: expect.stringContaining('nothing was done'),
    });
    expect(await state(OLD)).toBeDefined();
    const done = await command('delete', 'group', OLD, '--yes');
    expect(done.status, done.stderr).toBe(0);
    expect(await state(OLD)).toBeUndefined();
    const again = await command('delete', 'group', OLD, '--yes');
    expect(again).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no group "old.handler"'),
    });
  });

  test('begin again where they are told to', async () => {
    const { host, left, command, state, event } = await aSystem();
    const { events } = host.messaging;
    await events.publish(event('a'), event('b'), event('c'));
    const places = new Map<string, string>();
    for await (const { event: each, cursor } of events.read()) places.set(each.id, cursor);
    await left.drain(5_000);
    for (const [from, last, expected] of [
      ['beginning', 's1', ['a', 'b', 'c', 's1']],
      ['new', 's2', ['s2']],
      [places.get('b') ?? '', 's3', ['c', 's1', 's2', 's3']],
    ] as const) {
      await expect.poll(() => state(OLD), { timeout: 30_000 }).toMatchObject({ inUse: false });
      const { status, stderr } = await command('reset', OLD, '--from', from, '--yes');
      expect(status, stderr).toBe(0);
      await events.publish(event(last));
      const handled: string[] = [];
      const consumer = await events.subscribe(
        { group: OLD, types: ['*'] },
        async ({ id }) => void handled.push(id),
      );
      await expect.poll(() => handled.toSorted(), { timeout: 30_000 }).toEqual(expected);
      await consumer.drain(5_000);
    }
    await expect.poll(() => state(OLD), { timeout: 30_000 }).toMatchObject({ inUse: false });
    const nowhere = await command('reset', OLD, '--from', 'nonsense', '--yes');
    expect(nowhere.status).toBe(1);
    expect(nowhere.stderr).toContain('[waggle]');
    expect(await state(OLD)).toBeDefined();
  });
});
