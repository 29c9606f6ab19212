import assert from 'node:assert/strict';
import type { BrokerDriver, GroupDeclaration } from '@waggle/messaging';
import { LANES, QUICK, type Bench } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { eventsOf } from './collector.ts';
import { rejection } from './expectations.ts';
import { command, CONTEXT, event, EVENT_TYPE, GROUP, ids, OTHER_GROUP } from './messages.ts';
import { account } from './security.ts';

const BOUND = { topology: 'bind' } as const;
const declaration = (changes: Partial<GroupDeclaration> = {}): GroupDeclaration => ({
  group: GROUP,
  types: [EVENT_TYPE],
  from: 'new',
  ordering: 'by-key',
  ...changes,
});

/** What exists, by kind and name. */
async function names(driver: BrokerDriver): Promise<readonly string[]> {
  return (await driver.describe()).map(({ kind, name }) => `${kind} ${name}`).toSorted();
}

async function isMissing(bench: Bench, work: Promise<unknown>, name: string): Promise<void> {
  const error = await rejection(bench.within(work, 'the refusal'), 'unroutable');
  assert.ok(error.message.includes(name), `"${name}" is not named: ${error.message}`);
}

async function differs(bench: Bench, work: Promise<unknown>, ...parts: readonly string[]): Promise<void> {
  const error = await rejection(bench.within(work, 'the refusal'), 'conflict');
  for (const part of parts)
    assert.ok(error.message.includes(part), `"${part}" is not named: ${error.message}`);
}

export const bindingCases = [
  ...bothOrderings(
    'Q5',
    'a process that only binds does all its work without the permission to create anything',
    async (bench, ordering) => {
      const secured = await account(bench);
      const topology = { queues: [CONTEXT], groups: [declaration({ ordering })] };
      const owner = await bench.open({ from: secured });
      await owner.driver.declare(topology);
      await owner.messaging.close();
      await secured.forbid('declare', bench.namespace);
      const { driver, messaging } = await bench.open({ from: secured, settings: BOUND });
      await driver.declare(topology);
      const before = await names(driver);
      const attempts = bench.collector<string>();
      const options = { group: GROUP, types: [EVENT_TYPE], ordering, retry: { ...QUICK, maxAttempts: 3 } };
      const [good, bad] = [event({ partitionkey: 'a' }), event({ partitionkey: 'b' })];
      await messaging.events.subscribe(options, async ({ id }) => {
        attempts.add(id);
        if (id === bad.id) throw new Error('not this one');
      });
      await messaging.queue.declare(CONTEXT);
      const sent = command({ partitionkey: 'a' });
      await messaging.queue.receive({ context: CONTEXT }, async ({ id }) => attempts.add(id));
      await messaging.events.publish(good, bad);
      await messaging.queue.send(sent);
      const expected = [good.id, bad.id, bad.id, bad.id, sent.id].toSorted();
      await attempts.count(expected.length);
      assert.deepEqual([...attempts.items].toSorted(), expected);
      const [letter] = await bench.deadLetters({ driver, messaging }, 1);
      assert.equal(letter?.messageId, bad.id);
      assert.deepEqual(ids(await eventsOf(messaging.events.read())), ids([good, bad]));
      await bench.settled({ driver, messaging });
      assert.deepEqual(await names(driver), before);
    },
  ),

  contractCase('Q5', 'what is missing is named, and still missing afterwards', async (bench) => {
    const nobody = bench.driver(BOUND);
    await isMissing(bench, nobody.open({ waitMs: 600_000 }), bench.namespace);
    await isMissing(bench, nobody.open(), bench.namespace);
    const owner = await bench.openDriver();
    await owner.declare({ groups: [declaration()] });
    await nobody.open();
    await nobody.declare({ groups: [declaration()] });
    const missing = declaration({ group: OTHER_GROUP });
    for (let times = 0; times < 2; times++) {
      await isMissing(bench, nobody.declare({ groups: [missing] }), OTHER_GROUP);
      await isMissing(bench, nobody.declare({ queues: [CONTEXT] }), CONTEXT);
    }
    await rejection(owner.lag({ kind: 'group', group: OTHER_GROUP }), 'unroutable');
    await rejection(owner.lag({ kind: 'queue', context: CONTEXT }), 'unroutable');
  }),

  contractCase('Q5', 'what differs is named with both values, and not altered', async (bench) => {
    const owner = await bench.openDriver();
    await owner.declare({ groups: [declaration()] });
    const lanes = bench.driver({ ...BOUND, lanes: LANES + 3 });
    await differs(bench, lanes.open(), `${LANES}`, `${LANES + 3}`);
    const bound = await bench.openDriver(BOUND);
    await differs(
      bench,
      bound.declare({ groups: [declaration({ ordering: 'none' })] }),
      GROUP,
      'by-key',
      'none',
    );
    await bound.declare({ groups: [declaration()] });
  }),

  contractCase('Q5', 'nothing is removed', async (bench) => {
    const owner = await bench.openDriver();
    await owner.declare({ queues: [CONTEXT], groups: [declaration()] });
    const bound = await bench.openDriver(BOUND);
    const sources = [
      { kind: 'group', group: GROUP },
      { kind: 'queue', context: CONTEXT },
    ] as const;
    for (const source of sources) {
      await rejection(bound.declare({ absent: [source] }), 'invalid');
      assert.equal(await owner.lag(source), 0);
    }
  }),
];
