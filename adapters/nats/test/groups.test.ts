import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerDriver, Consumption, GroupDeclaration } from '@waggle/messaging';
import { expect, test } from 'vitest';
import { event, groupSource, hands, publish, useServer } from './harness.ts';

const bench = useServer();
const GROUP = groupSource('a.b');
/** Long enough for a machine that is busy. */
const leaseMs = 1_500;

const declaration = (changes: Partial<GroupDeclaration> = {}): GroupDeclaration => ({
  group: 'a.b',
  types: ['*'],
  from: 'beginning',
  ordering: 'by-key',
  ...changes,
});

async function standing(driver: BrokerDriver): Promise<readonly Consumption[]> {
  return (await driver.describe()).flatMap(({ consumption }) => consumption ?? []);
}

async function isInUse(driver: BrokerDriver): Promise<boolean | undefined> {
  return (await standing(driver))[0]?.inUse;
}

async function untilFree(driver: BrokerDriver): Promise<void> {
  await expect.poll(() => isInUse(driver), { timeout: 20_000, interval: 50 }).toBe(false);
}

test('a handler that takes longer than a lease keeps its group in use, one that crashed only for a lease', async () => {
  const namespace = bench.namespace();
  const operator = await bench.open({ namespace, leaseMs });
  const member = await bench.open({ namespace, leaseMs });
  await member.declare({ groups: [declaration({ ordering: 'none' })] });
  await publish(operator, event());
  const taken = await hands(member, GROUP, { ordering: 'none', concurrency: 1 });
  await taken.next();
  await delay(2 * leaseMs); // the passing of this very time is what is tested
  expect(await isInUse(operator)).toBe(true);
  await expect(operator.declare({ absent: [GROUP] })).rejects.toMatchObject({ code: 'conflict' });
  await member.close();
  await untilFree(operator);
  await operator.declare({ absent: [GROUP] });
  expect(await standing(operator)).toEqual([]);
});

test('a consumer that was paused while its group was reset goes on at the new place, with all of it', async () => {
  const namespace = bench.namespace();
  const operator = await bench.open({ namespace, leaseMs });
  const member = await bench.open({ namespace, leaseMs });
  await member.declare({ groups: [declaration()] });
  await publish(operator, event({ id: 'one' }), event({ id: 'two' }));
  const taken = await hands(member, GROUP);
  for (let count = 0; count < 2; count++) (await taken.next()).ack();
  await expect.poll(() => operator.lag(GROUP)).toBe(0);
  taken.consumer.pause();
  const { consumers } = await (await bench.raw()).jetstreamManager();
  // What it asked for before the pause waits for longer than this test; a restart of the server would end it as well.
  const durables = await consumers.list(`${namespace}_evt`).next();
  for (const { name } of durables) await consumers.delete(`${namespace}_evt`, name);
  await delay(300);
  await operator.declare({ groups: [declaration()] });
  taken.consumer.resume();
  const again: (string | undefined)[] = [];
  for (let count = 0; count < 2; count++) {
    const delivery = await taken.next();
    again.push(delivery.message.id);
    delivery.ack();
  }
  expect(again).toEqual(['one', 'two']);
});

test('a process that resets its group while its consumer is paused goes on at the new place', async () => {
  const driver = await bench.open({ namespace: bench.namespace(), leaseMs });
  const group = declaration({ ordering: 'none' });
  await driver.declare({ groups: [group] });
  await publish(driver, event({ id: 'one' }), event({ id: 'two' }));
  const taken = await hands(driver, GROUP, { ordering: 'none' });
  for (let count = 0; count < 2; count++) (await taken.next()).ack();
  taken.consumer.pause();
  await untilFree(driver);
  await driver.declare({ absent: [GROUP], groups: [group] });
  taken.consumer.resume();
  const again = [(await taken.next()).message.id, (await taken.next()).message.id];
  expect(again).toEqual(['one', 'two']);
});

test('a process that has left a group does not remember its place', async () => {
  const namespace = bench.namespace();
  const driver = await bench.open({ namespace });
  await driver.declare({ groups: [declaration()] });
  await publish(driver, event({ id: 'one' }));
  const taken = await hands(driver, GROUP);
  (await taken.next()).ack();
  await taken.consumer.close();
  const { consumers } = await (await bench.raw()).jetstreamManager();
  const durables = await consumers.list(`${namespace}_evt`).next();
  for (const { name } of durables) await consumers.delete(`${namespace}_evt`, name);
  await delay(300);
  await driver.declare({ groups: [declaration()] });
  expect((await (await hands(driver, GROUP)).next()).message.id).toBe('one');
});

test('a group shows what all its versions were declared with, and many types as everything', async () => {
  const driver = await bench.open();
  const typesOf = async () => (await standing(driver))[0]?.types;
  await driver.declare({ groups: [declaration({ types: ['b.done.v1'] })] });
  await driver.declare({ groups: [declaration({ types: ['a.*', 'b.done.v1'] })] });
  expect(await typesOf()).toEqual(['a.*', 'b.done.v1']);
  await driver.declare({ groups: [declaration({ types: ['a.done.v1'] })] });
  expect(await typesOf()).toEqual(['a.*', 'b.done.v1']);
  const types = Array.from({ length: 400 }, (_, index) => `parcels.thing-${index}.v1`);
  await driver.declare({ groups: [declaration({ types })] });
  expect(await typesOf()).toEqual(['*']);
});

test('durables that are not ours are no groups', async () => {
  const namespace = bench.namespace();
  const driver = await bench.open({ namespace });
  const { consumers } = await (await bench.raw()).jetstreamManager();
  for (const durable_name of ['audit', 'a_b_c_d', 'A_b_0']) {
    await consumers.add(`${namespace}_evt`, { durable_name, filter_subject: `${namespace}.evt.0.>` });
  }
  expect(await standing(driver)).toEqual([]);
});
