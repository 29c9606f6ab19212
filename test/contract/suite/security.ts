import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Consumer, Logger } from '@waggle/kernel';
import type { Bench, Handled, Member } from './bench.ts';
import { contractCase } from './case.ts';
import { all, eventsOf } from './collector.ts';
import { everythingSaid, rejection } from './expectations.ts';
import { hook, type Drivers, type Permission, type Secured } from './harness.ts';
import { command, CONTEXT, event, EVENT_TYPE, GROUP, ids } from './messages.ts';

/** Long enough that a driver which waits where waiting does not help is noticed. */
const LONG_MS = 600_000;
/** The third attempt comes a second and a half after the first at the earliest, of which a timer may lack a little. */
const CALM_MS = 1_400;

/** An account that is given back after the test. */
export async function account(bench: Bench): Promise<Secured> {
  const secured = await hook(bench.harness, 'secured')();
  bench.atEnd(() => secured.close());
  return secured;
}

const hasNoTls = ({ harness }: Bench): boolean => harness.declares['no-tls'] !== undefined;

function remembering() {
  const said: string[] = [];
  const errors: string[] = [];
  const say = (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    said.push(message, JSON.stringify(fields), ...Object.values(fields).map(everythingSaid));
  };
  const error = (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    errors.push(`${message} ${JSON.stringify(fields)}`);
    say(message, fields);
  };
  const logger: Logger = { debug: say, info: say, warn: say, error };
  return { said, errors, logger };
}

/** Opening is denied, at once and after one attempt, however long may be waited. */
async function isDenied(bench: Bench, secured: Secured, driver: Drivers, logger: Logger): Promise<string> {
  const before = secured.attempts.length;
  const { messaging } = bench.member({ settings: { logger }, from: { driver } });
  const error = await rejection(bench.within(messaging.open({ waitMs: LONG_MS }), 'the refusal'), 'denied');
  const attempts = secured.attempts.length - before;
  assert.equal(attempts, 1, `${attempts} attempts: ${error.message}`);
  return everythingSaid(error);
}

/** Each is tried by itself, with a process that is made when the permission is already gone. */
const operations: Readonly<Record<Permission, (member: Member) => Promise<unknown>>> = {
  declare: ({ driver }) =>
    driver.declare({
      groups: [{ group: 'tester.forbidden', types: [EVENT_TYPE], from: 'new', ordering: 'by-key' }],
    }),
  publish: ({ messaging }) => messaging.events.publish(event()),
  consume: ({ messaging }) =>
    messaging.events.subscribe({ group: GROUP, types: [EVENT_TYPE] }, async () => undefined),
  read: ({ messaging }) => all(messaging.events.read()),
};

async function openAnd(member: Member, work: (member: Member) => Promise<unknown>): Promise<unknown> {
  await member.messaging.open();
  return work(member);
}

export const securityCases = [
  contractCase(
    'Q1',
    'two processes with an authority and a certificate of their own publish, handle and read',
    async (bench) => {
      const secured = await account(bench);
      const [publisher, member] = await Promise.all([
        bench.open({ from: secured }),
        bench.open({ from: secured }),
      ]);
      assert.ok(secured.attempts.length >= 2, 'they were not connected this way');
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, {}, handled, async (_message, { attempt }) => {
        if (attempt === 1) throw new Error('the second time will do');
      });
      const commands = bench.collector<string>();
      await member.messaging.queue.declare(CONTEXT);
      await member.messaging.queue.receive({ context: CONTEXT }, async ({ id }) => commands.add(id));
      const note = randomUUID();
      const sent = [event({ data: { note } }), event({ data: { note }, partitionkey: 'a' })];
      await publisher.messaging.events.publish(...sent);
      await publisher.messaging.queue.send(command({ data: { note } }));
      await Promise.all([handled.count(2 * sent.length), commands.count(1)]);
      assert.deepEqual(ids(await eventsOf(publisher.messaging.events.read())), ids(sent));
      assert.equal(secured.carried(note), false, 'what was sent can be read on its way');
    },
  ),

  contractCase(
    'Q2',
    'a certificate that does not fit is denied at once, whichever side shows it',
    async (bench) => {
      const secured = await account(bench);
      const wrong = Object.values(secured.wrongCertificates);
      assert.equal(
        wrong.length === 0,
        hasNoTls(bench),
        'there is TLS, and nothing that could be wrong with it',
      );
      for (const driver of wrong) await isDenied(bench, secured, driver, remembering().logger);
    },
  ),

  contractCase(
    'Q2',
    'credentials that are refused while connected are tried ever less often, until they are accepted again',
    async (bench) => {
      const secured = await account(bench);
      const { logger, errors } = remembering();
      const member = await bench.open({ from: secured, settings: { logger } });
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, {}, handled);
      const unlock = await secured.lock();
      const locked = secured.attempts.length;
      const tries = async (): Promise<readonly number[]> => secured.attempts.slice(locked);
      const [first = 0, , third = 0] = await bench.eventually(
        tries,
        ({ length }) => length >= 3,
        'three attempts',
      );
      assert.ok(third - first >= CALM_MS, `three attempts in ${Math.round(third - first)} ms`);
      assert.equal(member.driver.status, 'reconnecting');
      assert.ok(errors.length > 0, 'that it is refused is no error in the log');
      await unlock();
      const sent = event();
      const publish = () =>
        member.messaging.events.publish(sent).then(
          () => true,
          () => false,
        );
      await bench.eventually(publish, (published) => published, 'a publish that works again');
      await handled.until((items) => items.some(({ id }) => id === sent.id), 'the event');
    },
  ),

  contractCase(
    'Q3',
    'a wrong credential of each kind is denied at once and once, a right one opens, and neither is seen',
    async (bench) => {
      const secured = await account(bench);
      const { said, logger } = remembering();
      const kinds = Object.entries(secured.credentials);
      assert.ok(kinds.length > 0, 'there are no credentials');
      for (const [, { right, wrong }] of kinds) {
        said.push(await isDenied(bench, secured, wrong, logger));
        const { driver, messaging } = await bench.open({ from: { driver: right }, settings: { logger } });
        await messaging.events.publish(event());
        said.push(JSON.stringify(await driver.describe()));
        await messaging.close();
      }
      for (const secret of bench.harness.secrets) {
        assert.equal(
          said.find((text) => text?.includes(secret)),
          undefined,
          'a secret was seen',
        );
      }
    },
  ),

  ...(['declare', 'publish', 'consume', 'read'] as const).map((permission) =>
    contractCase('Q4', `who may not ${permission} is told so`, async (bench) => {
      const secured = await account(bench);
      const groups = [{ group: GROUP, types: [EVENT_TYPE], from: 'new', ordering: 'by-key' }] as const;
      await openAnd(bench.member({ from: secured }), async ({ driver, messaging }) => {
        await driver.declare({ groups });
        await messaging.events.publish(event());
      });
      const allow = await secured.forbid(permission, bench.namespace);
      const work = operations[permission];
      await rejection(bench.within(openAnd(bench.member({ from: secured }), work), 'the refusal'), 'denied');
      await allow();
      await openAnd(bench.member({ from: secured }), work);
    }),
  ),

  contractCase(
    'Q4',
    'a permission to consume that is taken away is an error in the log and seen at the consumer, until it is given back',
    async (bench) => {
      const secured = await account(bench);
      const { logger, errors } = remembering();
      const [publisher, member] = await Promise.all([
        bench.open({ from: secured }),
        bench.open({ from: secured, settings: { logger } }),
      ]);
      const handled = bench.collector<Handled>();
      const consumer = await bench.subscribe(member, {}, handled);
      assert.equal(consumer.isAttached, true);
      const sent = [event({ partitionkey: 'a' })];
      await publisher.messaging.events.publish(...sent);
      await handled.count(1);
      const allow = await secured.forbid('consume', bench.namespace);
      // Whoever asked for a message before may still be given it.
      sent.push(event({ partitionkey: 'a' }));
      await publisher.messaging.events.publish(sent[1] ?? event());
      await becomes(bench, consumer, false);
      const refused = async (): Promise<number> => errors.filter((text) => text.includes(GROUP)).length;
      await bench.eventually(refused, (count) => count > 0, 'an error in the log that names the group');
      await allow();
      sent.push(event({ partitionkey: 'a' }));
      await publisher.messaging.events.publish(sent[2] ?? event());
      await handled.until((items) => new Set(items.map(({ id }) => id)).size === sent.length, 'all events');
      await becomes(bench, consumer, true);
    },
  ),
];

async function becomes(bench: Bench, consumer: Consumer, attached: boolean): Promise<void> {
  const ask = async () => consumer.isAttached;
  await bench.eventually(
    ask,
    (now) => now === attached,
    `a consumer that is ${attached ? '' : 'not '}attached`,
  );
}
