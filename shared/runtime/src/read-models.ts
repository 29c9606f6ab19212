import { randomUUID } from 'node:crypto';
import type { Clock, EventStore, Logger, UnitOfWork } from '@waggle/kernel';
import type { Projection } from '@waggle/event-sourcing';
import { createProjector } from '@waggle/event-sourcing';
import type { Store } from '@waggle/messaging';
import { checkpoints, createShares, pause } from '@waggle/messaging';

/** The read models of a service, as its queries see them. */
export interface ReadModels {
  /**
   * Whether the views have everything up to this version of a stream, waiting up to `timeoutMs` (default 5,000) for that:
   * for a query that shall see what a command has just done.
   */
  hasReached(projection: Projection, stream: string, version: number, timeoutMs?: number): Promise<boolean>;
}

export interface ReadModelState {
  readonly name: string;
  /** Of the code that made the views. */
  readonly version: number;
  /** Which generation of views is asked. */
  readonly live: number;
  /** Which one is being built to take its place, if any is. */
  readonly building: number | undefined;
  readonly isCaughtUp: boolean;
}

/** Read models that this process takes its share in keeping up. */
export interface RunningReadModels extends ReadModels {
  readonly names: readonly string[];
  list(): Promise<readonly ReadModelState[]>;
  /** Lets one be built anew, by whoever keeps it up; false where there is none of that name. */
  rebuild(name: string): Promise<boolean>;
  start(): Promise<void>;
  /** Whether every read model has everything there is. */
  areCaughtUp(): Promise<boolean>;
  /** Idempotent. */
  stop(): Promise<void>;
}

export interface ReadModelsOptions {
  readonly service: string;
  readonly projections: readonly Projection[];
  readonly events: EventStore;
  readonly unitOfWork: UnitOfWork;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Without a sign of life for so long, what a process keeps up goes to another. */
  readonly leaseMs: number;
}

const NEVER = new AbortController().signal;
const JOB = 'follow';
const FIRST_LOOK_MS = 5;
const LAST_LOOK_MS = 100;

/** Each read model is kept up by one of the processes that know it. */
export function createReadModels(options: ReadModelsOptions): RunningReadModels {
  const { service, projections, events, unitOfWork, store, clock, logger, leaseMs } = options;
  const projector = createProjector({
    events,
    unitOfWork,
    checkpoints,
    logger,
    pause: (ms, signal) => pause(clock, ms, signal),
  });
  const keepers = projections.map((projection) => createKeeper(projection));

  /** Runs while this process holds the read model, anew for each epoch. */
  function createKeeper(projection: Projection) {
    let running:
      | { readonly epoch: number; readonly stop: AbortController; readonly done: Promise<void> }
      | undefined;
    const shares = createShares({
      store,
      // Code of two versions keeps two generations up, side by side.
      pool: `read model ${service}.${projection.name}@${projection.version}`,
      jobs: [JOB],
      member: randomUUID(),
      leaseMs,
      clock,
      logger,
      onChange: change,
    });

    function change(): void {
      const epoch = shares.held().get(JOB);
      if (epoch === running?.epoch) return;
      const before = running;
      before?.stop.abort();
      running = undefined;
      if (epoch === undefined) return;
      const stop = new AbortController();
      const done = (before?.done ?? Promise.resolve()).then(() =>
        projector.run(projection, epoch, stop.signal),
      );
      running = { epoch, stop, done };
    }

    return {
      start: () => shares.start(),
      async stop() {
        running?.stop.abort();
        await running?.done;
        await shares.stop();
      },
    };
  }

  async function stateOf(projection: Projection): Promise<ReadModelState> {
    const { live, version, next } = await unitOfWork.run((tx) => projection.generations(tx));
    const isCaughtUp = await projector.isCaughtUp(projection);
    return { name: projection.name, version, live, building: next?.generation, isCaughtUp };
  }

  return {
    start: async () => void (await Promise.all(keepers.map((keeper) => keeper.start()))),
    stop: async () => void (await Promise.all(keepers.map((keeper) => keeper.stop()))),
    names: projections.map(({ name }) => name),
    list: () => Promise.all(projections.map(stateOf)),
    async rebuild(name) {
      const projection = projections.find((candidate) => candidate.name === name);
      if (projection === undefined) return false;
      await projector.rebuild(projection);
      return true;
    },
    async areCaughtUp() {
      const answers = await Promise.all(projections.map((projection) => projector.isCaughtUp(projection)));
      return answers.every(Boolean);
    },
    async hasReached(projection, stream, version, timeoutMs = 5_000) {
      const deadlineMs = clock.now() + timeoutMs;
      for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 2, LAST_LOOK_MS)) {
        if (await projector.hasReached(projection, stream, version)) return true;
        if (clock.now() >= deadlineMs) return false;
        await pause(clock, lookMs, NEVER);
      }
    },
  };
}
