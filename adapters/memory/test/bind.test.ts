import { describe, expect, it } from 'vitest';
import { createMemoryBroker, createMemoryDriver } from '../src/index.ts';
import { failure, opened, settings } from './setup.ts';

const bind = { topology: 'bind' } as const;
const group = { group: 'shipping.plan', types: ['parcels.*'], from: 'new', ordering: 'by-key' } as const;

describe('a driver that only binds', () => {
  it('does not create the namespace', async () => {
    const broker = createMemoryBroker();
    const driver = createMemoryDriver({ ...settings, ...bind }, broker);
    const missing = { code: 'unroutable', message: expect.stringContaining('namespace "test"') };
    await expect(driver.open({ waitMs: 60_000 })).rejects.toMatchObject(missing);
    await createMemoryDriver(settings, broker).open();
    await driver.open();
  });

  it('takes what exists, and names what is missing', async () => {
    const { another } = await opened();
    const bound = await another(bind);
    await bound.declare({ groups: [group] });
    const before = await bound.describe();
    expect(await failure(bound.declare({ groups: [{ ...group, group: 'a.b' }] }))).toMatchObject({
      code: 'unroutable',
      message: expect.stringContaining('group a.b'),
    });
    expect(await failure(bound.declare({ queues: ['depot'] }))).toMatchObject({
      code: 'unroutable',
      message: expect.stringContaining('queue depot'),
    });
    expect(await bound.describe()).toEqual(before);
  });

  it('names what differs, and both values', async () => {
    const { another, driver } = await opened();
    await driver.declare({ groups: [{ ...group, group: 'a.b' }] });
    const bound = await another(bind);
    expect(await failure(bound.declare({ groups: [{ ...group, ordering: 'none' }] }))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(
        'group shipping.plan exists with ordering "by-key", and this process asks for "none"',
      ),
    });
    expect(
      await failure(bound.declare({ groups: [{ ...group, group: 'a.b', types: ['*'] }] })),
    ).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(
        'group a.b exists with types "parcels.*", and this process asks for "*"',
      ),
    });
  });

  it('removes nothing', async () => {
    const { another } = await opened();
    const bound = await another(bind);
    const absent = [{ kind: 'group', group: 'shipping.plan' } as const];
    expect(await failure(bound.declare({ absent }))).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('shipping.plan cannot be removed'),
    });
  });
});
