import { createRegistry } from '@waggle/contracts';
import { parcelArrived, parcelReturned } from '@waggle/contracts/testing';
import type { EventStore, HandlerDefinition, Transaction, UnitOfWork } from '@waggle/kernel';
import { onEvent } from '@waggle/kernel';
import type { Routes, Service } from '@waggle/runtime';
import { defineService, offered, provided } from '@waggle/runtime';
import { ContainerModule } from 'inversify';

/** What a run has brought about so far; each is 1 in the end. */
export interface Effects {
  readonly events: number;
  readonly count: number;
  readonly tally: number;
}

/** Two steps that follow from an append. None is idempotent by itself: what happened twice, or was lost, shows. */
export const COUNT = 'chaos.count';
export const TALLY = 'chaos.tally';
export const FIRST = parcelArrived.type;
export const SECOND = parcelReturned.type;

export const CONTRACTS = createRegistry({ parcelArrived, parcelReturned });

type Counter = 'count' | 'tally';
const customerId = 'chaos';

/** A service whose every message matters: `POST /runs/:run` sets one in motion, `GET /runs` tells what became of them. */
export const chaosService = (isSettled: () => Promise<boolean>): Service =>
  defineService({
    name: 'chaos',
    publishes: [parcelArrived, parcelReturned],
    module: new ContainerModule(({ bind }) => {
      bind(offered.handlers).toConstantValue(handlers);
      bind(offered.routes).toResolvedValue(
        (unitOfWork: UnitOfWork, events: EventStore) => routes(unitOfWork, events, isSettled),
        [provided.unitOfWork, provided.eventStore],
      );
    }),
  });

const handlers: readonly HandlerDefinition[] = [
  onEvent('count', parcelArrived, async ({ data: { parcelId } }, tx) => {
    await increment(tx, 'count', parcelId);
    tx.publish(parcelReturned({ parcelId, customerId, reason: 'counted' }));
  }),
  onEvent('tally', parcelReturned, ({ data: { parcelId } }, tx) => increment(tx, 'tally', parcelId)),
];

async function increment(tx: Transaction, counter: Counter, run: string): Promise<void> {
  const counts = tx.collection<number>(counter);
  counts.put(run, ((await counts.get(run)) ?? 0) + 1);
}

const routes =
  (unitOfWork: UnitOfWork, events: EventStore, isSettled: () => Promise<boolean>): Routes =>
  (router) => {
    /** 201, or 409 where it is there already. */
    router.post('/runs/:run', async (context) => {
      const run = context.req.param('run');
      await unitOfWork.run(async (tx) => {
        tx.stream(`run-${run}`).append([{ type: 'begun', data: {} }], 'no-stream');
        tx.publish(parcelArrived({ parcelId: run, customerId }));
      });
      return context.json({}, 201);
    });
    router.get('/runs', async (context) => context.json(await effectsOf(unitOfWork, events), 200));
    router.get('/settled', async (context) => context.json({ isSettled: await isSettled() }, 200));
  };

/** By the name of the run. */
async function effectsOf(unitOfWork: UnitOfWork, events: EventStore): Promise<Record<string, Effects>> {
  const appended = new Map<string, number>();
  for await (const { events: batch } of events.readAll({ category: 'run' })) {
    for (const { stream } of batch) {
      const run = stream.slice('run-'.length);
      appended.set(run, (appended.get(run) ?? 0) + 1);
    }
  }
  return unitOfWork.run(async (tx) => {
    const count = await countsOf(tx, 'count');
    const tally = await countsOf(tx, 'tally');
    const runs = new Set([...appended.keys(), ...count.keys(), ...tally.keys()]);
    const of = (run: string): Effects => ({
      events: appended.get(run) ?? 0,
      count: count.get(run) ?? 0,
      tally: tally.get(run) ?? 0,
    });
    return Object.fromEntries([...runs].map((run) => [run, of(run)]));
  });
}

async function countsOf(tx: Transaction, counter: Counter): Promise<ReadonlyMap<string, number>> {
  const counts = tx.collection<number>(counter);
  const ids = await counts.ids();
  return new Map(await Promise.all(ids.map(async (id) => [id, (await counts.get(id)) ?? 0] as const)));
}
