import { createMemoryStore } from '@waggle/adapter-memory';
import type { Store } from '@waggle/messaging';
import type { Host } from '@waggle/runtime';
import { startHost } from '@waggle/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { createFrontDoor } from './front-door.ts';
import type { Journal } from './journal.ts';
import { createJournal } from './journal.ts';
import { npmRun, npmStart } from '../npm-run.ts';
import { readOutcome } from './outcome.ts';
import { poison } from './purchase.ts';
import type { Purchase } from './purchase.ts';
import { environmentFor, moves } from './environment.ts';
import { tellIfNone } from '../../adapters/tell-if-none.ts';

tellIfNone('broker', moves);

type Environment = Record<string, string>;

const SETTLED_MS = 60_000;
const PER_STAGE = 20;

/** Every fifth costs more than payments allows. */
const purchases = (first: number): Purchase[] =>
  Array.from({ length: PER_STAGE }, (_, index) => ({
    customerId: `customer-${first + index}`,
    lines: [
      {
        sku: 'honey-jar',
        quantity: 1,
        unitPrice: { amountMinor: index % 5 === 4 ? 200_000 : 1_000 + index, currency: 'EUR' },
      },
    ],
  }));

const everything = [...purchases(0), ...purchases(PER_STAGE), ...purchases(2 * PER_STAGE)];

async function start(environment: Environment, store: Store, journal: Journal): Promise<Host> {
  const host = await startHost({ environment, store, observer: journal.observer });
  onTestFinished(async () => void (await host.stop()));
  return host;
}

/** The same orders where nothing is ever switched. */
async function outcomeWithoutSwitch() {
  const journal = createJournal();
  const host = await start(await environmentFor('memory'), createMemoryStore(), journal);
  const door = createFrontDoor();
  door.open(host);
  await Promise.all(everything.map(door.enter));
  await expect.poll(() => notices(host)).toBe(everything.length);
  return readOutcome(host);
}

async function notices(host: Host): Promise<number> {
  const all = (await (await fetch(`${host.url}/notices`)).json()) as readonly unknown[];
  return all.length;
}

async function succeeds(script: string, words: readonly string[], environment: Environment) {
  const { status, stdout, stderr } = await npmRun(script, [...words, '--json'], environment);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

interface GroupRow {
  readonly kind: string;
  readonly name: string;
  readonly lag: number;
  readonly inUse: boolean;
  readonly orphan: boolean;
}

const groupsOf = async (environment: Environment): Promise<readonly GroupRow[]> =>
  (await succeeds('groups', ['list'], environment)).groups;

async function lagsOf(environment: Environment): Promise<number> {
  return (await groupsOf(environment)).reduce((sum, { lag }) => sum + lag, 0);
}

/** The same, as a running host tells it. */
async function backlogOf(host: Host): Promise<number> {
  const { consumers } = (await (await fetch(`${host.url}/health`)).json()) as {
    readonly consumers: Readonly<Record<string, { readonly lag: number | null }>>;
  };
  return Object.values(consumers).reduce((sum, { lag }) => sum + (lag ?? Number.NaN), 0);
}

/** Steps 3 to 5: the door closes, everything is worked off, the services stop, and nothing is left. */
async function closeDown(door: ReturnType<typeof createFrontDoor>, host: Host, environment: Environment) {
  await door.close();
  await expect.poll(() => backlogOf(host), { timeout: SETTLED_MS }).toBe(0);
  await host.stop();
  expect(await lagsOf(environment)).toBe(0);
  expect(await succeeds('dead-letters', ['list'], environment)).toMatchObject({ total: 0 });
}

/** Which messages each consumer has handled, over all hosts. */
const handledBy = (journals: readonly Journal[]): string[] =>
  journals
    .flatMap(({ entries }) => entries)
    .filter(({ what }) => what === 'handled')
    .map(({ consumer, id }) => `${consumer} ${id}`);

async function idsIn(host: Host): Promise<string[]> {
  const ids: string[] = [];
  for await (const { event } of host.messaging.events.read()) ids.push(event.id);
  return ids;
}

/** Each is there and back: of two brokers there is one, of more the last would come by where the others have been. */
const journeys = moves.slice(0, Math.max(1, moves.length - 1));

test.each(journeys)(
  'a system under traffic moves from %s to %s and back, and every order ends as if it had not',
  async (one, other) => {
    const expected = outcomeWithoutSwitch();
    const quick = { LEASE_MS: '5000' };
    const there = { ...(await environmentFor(other)), ...quick };
    const here = { ...(await environmentFor(one)), ...quick };
    const both = { ...there, ...here, BROKER: '' };
    const copying = (from: Environment, to: Environment) => [
      ...['--from', from['BROKER'] ?? '', '--from-namespace', from['NAMESPACE'] ?? ''],
      ...['--to', to['BROKER'] ?? '', '--to-namespace', to['NAMESPACE'] ?? ''],
    ];
    const store = createMemoryStore();
    const journals = [createJournal(), createJournal(), createJournal()] as const;
    const door = createFrontDoor();

    const before = await start(here, store, journals[0]);
    door.open(before);
    await Promise.all(purchases(0).map(door.enter));
    await before.messaging.events.publish(poison());

    // 1. Copy while everything runs: also what comes meanwhile.
    const following = npmStart('copy', [...copying(here, there), '--follow'], both);
    await following.told('from the beginning');
    const customers = Promise.all(purchases(PER_STAGE).map(door.enter));
    // 2. Deal with the dead letters.
    await expect.poll(() => before.messaging.deadLetters.list(), { timeout: SETTLED_MS }).toHaveLength(1);
    expect(await succeeds('dead-letters', ['discard', '--all'], here)).toMatchObject({ total: 1 });
    await customers;
    await closeDown(door, before, here);
    // Meanwhile customers come, and find the door closed.
    const waiting = Promise.all(
      purchases(2 * PER_STAGE)
        .slice(0, PER_STAGE / 2)
        .map(door.enter),
    );
    // 6. End the copy.
    expect(await following.stop()).toContain('told to stop: the same command goes on from here');
    await succeeds('copy', copying(here, there), both);
    // 7. There are no groups yet: they will begin behind the history.
    expect((await groupsOf(there)).filter(({ kind }) => kind === 'group')).toEqual([]);
    // 8. and 9. Start the services, open the door.
    const during = await start(there, store, journals[1]);
    expect(door.accepted).toBe(2 * PER_STAGE);
    door.open(during);
    await waiting;
    await expect.poll(() => notices(during), { timeout: SETTLED_MS }).toBe(door.accepted);
    const history = await idsIn(during);

    // And back.
    await closeDown(door, during, there);
    expect(await succeeds('copy', [...copying(there, here), '--allow-foreign'], both)).toMatchObject({
      copied: journals[1].entries.filter(({ what }) => what === 'published').length,
    });
    const inUse = async (): Promise<boolean> => (await groupsOf(here)).some((group) => group.inUse);
    await expect.poll(inUse, { timeout: SETTLED_MS }).toBe(false);
    for (const { kind, name, lag, orphan } of await groupsOf(here)) {
      expect(orphan, name).toBe(false);
      if (kind === 'queue') continue;
      expect(lag).toBeGreaterThan(0);
      await succeeds('groups', ['reset', name, '--from', 'new', '--yes'], here);
    }
    expect(await lagsOf(here)).toBe(0);
    const after = await start(here, store, journals[2]);
    door.open(after);
    await Promise.all(
      purchases(2 * PER_STAGE)
        .slice(PER_STAGE / 2)
        .map(door.enter),
    );
    await expect.poll(() => notices(after), { timeout: SETTLED_MS }).toBe(everything.length);
    await expect.poll(() => backlogOf(after), { timeout: SETTLED_MS }).toBe(0);

    expect(await readOutcome(after)).toEqual(await expected);
    // Not one of them was handled again, on whichever broker: the inbox had nothing to pass over.
    const handled = handledBy(journals);
    expect(handled.length).toBe(new Set(handled).size);
    const published = journals.flatMap(({ entries }) =>
      entries.filter(({ what }) => what === 'published').map(({ id }) => id),
    );
    const all = (await idsIn(after)).filter((id) => id !== undefined);
    for (const id of published) expect(all).toContain(id);
    expect(all.length).toBe(new Set(all).size);
    for (const id of history) expect(all).toContain(id);
  },
);
