import { expect, test } from 'vitest';
import {
  checkDeclared,
  createCumulativeAcks,
  createRegistry,
  delayLevel,
  existing,
  persist,
  systemClock,
  usualDelayLevels,
  type RegistryLog,
} from '../src/index.ts';

/** A log in memory, whose offsets have a hole after each entry. */
function createLog() {
  const entries: { readonly offset: number; readonly text: string | undefined }[] = [];
  const appended: string[] = [];
  let first = 0;
  const add = (text: string | undefined): void => void entries.push({ offset: 2 * entries.length, text });
  const log: RegistryLog = {
    async head() {
      add(undefined);
      return entries.at(-1)?.offset ?? 0;
    },
    async *read(from) {
      for (const entry of entries) if (entry.offset >= Math.max(from, first)) yield entry;
    },
    async append(text) {
      appended.push(text);
      add(text);
    },
    persist: (reading) => reading(),
  };
  return { log, add, appended, discardTo: (offset: number) => void (first = offset) };
}

const declared = {
  source: { kind: 'group', group: 'a.b' },
  ordering: 'by-key',
  types: ['a.one.v1'],
  isPumped: false,
} as const;

test('the registry writes what is declared, once, with the types of all', async () => {
  const { log, appended } = createLog();
  const registry = createRegistry(log);
  const enrol = async (types: readonly string[]) =>
    registry.enrol(await registry.read(), 'group', { ...declared, types });
  await enrol(['a.one.v1']);
  await enrol(['a.one.v1']);
  expect(appended).toHaveLength(1);
  await enrol(['a.two.v1']);
  await enrol(['a.one.v1']);
  expect(appended).toHaveLength(2);
  const entries = await registry.read();
  expect(existing(entries, 'group')).toEqual({
    ...declared,
    types: ['a.one.v1', 'a.two.v1'],
    generation: 1,
  });
});

test('what was struck off is gone, and begins anew', async () => {
  const { log, appended } = createLog();
  const registry = createRegistry(log);
  await registry.strike('group');
  expect(appended).toEqual([]);
  await registry.enrol(await registry.read(), 'group', declared);
  await registry.strike('group');
  await registry.strike('group');
  expect(appended).toHaveLength(2);
  expect(existing(await registry.read(), 'group')).toBeUndefined();
  const types = ['a.two.v1'];
  const again = await registry.enrol(await registry.read(), 'group', { ...declared, types });
  expect(again).toMatchObject({ types, generation: 2 });
});

test('an old record is written anew before it is out of reach, and reading stays short', async () => {
  const { log, add, appended, discardTo } = createLog();
  const registry = createRegistry(log);
  await registry.enrol(await registry.read(), 'group', declared);
  for (let wave = 0; wave < 10; wave++) {
    for (let index = 0; index < 1_500; index++) add(undefined);
    discardTo(wave * 2_000);
    expect(existing(await registry.read(), 'group')).toMatchObject({ generation: 1 });
  }
  expect(appended.length).toBeGreaterThan(2);
  expect(appended.length).toBeLessThanOrEqual(11);
});

test('who looks on writes nothing anew', async () => {
  const { log, add, appended } = createLog();
  await createRegistry(log).write({ name: 'group', values: {} });
  for (let index = 0; index < 2_000; index++) add(undefined);
  await createRegistry(log, false).read();
  expect(appended).toHaveLength(1);
});

test('a removal while an old record is written anew stays one', async () => {
  const { log, add, appended } = createLog();
  const registry = createRegistry(log);
  await registry.enrol(await registry.read(), 'group', declared);
  const striking = createRegistry(log, false);
  for (let index = 0; index < 2_000; index++) add(undefined);
  const append = async (text: string): Promise<void> => {
    await striking.strike('group');
    await log.append(text);
  };
  await createRegistry({ ...log, append }).read();
  expect(appended).toHaveLength(3);
  expect(existing(await registry.read(), 'group')).toBeUndefined();
});

test('what somebody else wrote is passed over, and a reading that ends early is an error', async () => {
  const { log, add } = createLog();
  add('{ not JSON');
  add(undefined);
  expect((await createRegistry(log).read()).size).toBe(0);
  const broken = { ...log, head: async () => 1_000 };
  await expect(createRegistry(broken).read()).rejects.toThrow('ended before its head');
});

test('what is asked for is compared with what was declared, value by value', () => {
  const exists = { lanes: 2, types: ['a.*', 'b.c.v1'] };
  const check = (asked: Partial<typeof exists>) => checkDeclared('broker', 'thing', exists, asked);
  expect(check({ lanes: 2, types: ['a.one.v1', 'a.*', 'b.c.v1'] })).toBe(exists);
  expect(() => check({ lanes: 3 })).toThrow('thing exists with lanes "2", and this process asks for "3"');
  expect(() => check({ types: ['*'] })).toThrow('types "a.* b.c.v1", and this process asks for "*"');
  expect(() => checkDeclared('broker', 'thing', undefined, {})).toThrow('thing was never declared');
});

test('acknowledgements of a finished prefix are one, the others are single', () => {
  const sent: [string, boolean][] = [];
  const acks = createCumulativeAcks(100, (item: string, allUpTo) => void sent.push([item, allUpTo]));
  acks.ack(2, 'two');
  acks.note(3);
  acks.ack(5, 'five');
  acks.ack(1, 'one');
  acks.flush();
  acks.ack(4, 'four');
  acks.flush();
  expect(sent).toEqual([
    ['two', true],
    ['five', false],
    ['four', true],
  ]);
});

test('as many acknowledgements as are enough do not wait for the end of the turn', () => {
  const sent: [string, boolean][] = [];
  const acks = createCumulativeAcks(2, (item: string, allUpTo) => void sent.push([item, allUpTo]));
  acks.ack(1, 'one');
  expect(sent).toEqual([]);
  acks.ack(2, 'two');
  expect(sent).toEqual([['two', true]]);
});

test('a delay level is never shorter than asked, and the usual ones cover the usual curve', () => {
  const levels = usualDelayLevels();
  expect(levels[0]).toBe(50);
  expect(Number(levels.at(-1))).toBeGreaterThanOrEqual(36_000);
  for (const delayMs of [0, 50, 51, 100, 1_234, 36_000]) {
    expect(delayLevel(delayMs)).toBeGreaterThanOrEqual(delayMs);
    expect(levels).toContain(delayLevel(delayMs));
  }
});

test('what may pass is done again, what may not is final', async () => {
  const { signal } = new AbortController();
  let tries = 0;
  const work = async (): Promise<number> => {
    if (++tries < 3) throw new Error('passes');
    return tries;
  };
  expect(await persist(systemClock, signal, () => true, 1_000, work)).toBe(3);
  await expect(
    persist(
      systemClock,
      signal,
      () => false,
      1_000,
      () => Promise.reject(new Error('final')),
    ),
  ).rejects.toThrow('final');
});
