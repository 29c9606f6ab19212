import type {
  Checkpoints,
  EventBatch,
  EventStore,
  Logger,
  StorePosition,
  Transaction,
  UnitOfWork,
} from '@waggle/kernel';
import { isBehind, messageOf } from '@waggle/kernel';
import type { Generations, Projection } from './projection.ts';

export interface ProjectorOptions {
  readonly events: EventStore;
  readonly unitOfWork: UnitOfWork;
  readonly checkpoints: Checkpoints;
  readonly logger: Logger;
  /** Waits before another try, unless the signal aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** After a failure (a view that cannot be written is not passed over), and between looks whether views are to be built anew. */
const AGAIN_MS = 1_000;
const SOON_MS = 20;
/** No holder comes after it. */
const LAST_EPOCH = Number.MAX_SAFE_INTEGER;
/** Views of a generation that is over are removed so many at a time. */
const REMOVED_AT_ONCE = 500;

/** Keeps read models up with the event store. */
export interface Projector {
  /**
   * Keeps one read model up until the signal aborts: one at a time may, and `epoch` is what tells it from whoever had been
   * before. Views and checkpoint change in one transaction, so each event has its effect once.
   */
  run(projection: Projection, epoch: number, signal: AbortSignal): Promise<void>;
  /** Begins to build the views anew, beside those that are asked, which are replaced when the new ones have caught up. */
  rebuild(projection: Projection): Promise<void>;
  /** Whether the views that are asked have everything up to this version of a stream. */
  hasReached(projection: Projection, stream: string, version: number): Promise<boolean>;
  /** Whether the views that are asked have everything there is. */
  isCaughtUp(projection: Projection): Promise<boolean>;
}

export function createProjector({
  events,
  unitOfWork,
  checkpoints,
  logger,
  pause,
}: ProjectorOptions): Projector {
  const nameOf = ({ name }: Projection, generation: number): string => `${name}.${generation}`;

  /** Applies what is behind the checkpoint of a generation; follows, or ends at the head. */
  async function catchUp(
    projection: Projection,
    generation: number,
    epoch: number,
    isLive: boolean,
    reading: { readonly follow: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const name = nameOf(projection, generation);
    let { position } = await unitOfWork.run((tx) => checkpoints.get(tx, name));
    const { category } = projection;
    const options = { category, ...reading, ...(position !== undefined && { after: position }) };
    for await (const batch of events.readAll(options)) {
      if (reading.signal.aborted) return;
      const from = position;
      await unitOfWork.run((tx) => step(tx, from, batch));
      position = batch.position;
    }

    async function step(tx: Transaction, from: StorePosition | undefined, batch: EventBatch): Promise<void> {
      await checkpoints.advance(tx, name, { from, to: batch.position, epoch });
      await projection.applyTo(tx, generation, batch.events, isLive);
    }
  }

  /**
   * Old views are replaced once the new ones are exactly as far: what was reacted to is not reacted to again, and nothing is
   * left out. Writing the old checkpoint a last time ends whoever is still moving it.
   */
  async function switchOver(projection: Projection): Promise<number | undefined> {
    return unitOfWork.run(async (tx) => {
      const { live, next } = await projection.generations(tx);
      if (next === undefined) return undefined;
      const { position: old } = await checkpoints.get(tx, nameOf(projection, live));
      const { position: fresh } = await checkpoints.get(tx, nameOf(projection, next.generation));
      if (old !== fresh) return undefined;
      await checkpoints.advance(tx, nameOf(projection, live), { from: old, to: old, epoch: LAST_EPOCH });
      projection.setGenerations(tx, { live: next.generation, version: next.version });
      return live;
    });
  }

  async function removeViews(projection: Projection, generation: number): Promise<void> {
    const name = nameOf(projection, generation);
    const ids = await unitOfWork.run((tx) => tx.collection(name).ids());
    for (let at = 0; at < ids.length; at += REMOVED_AT_ONCE)
      await unitOfWork.run(async (tx) => {
        for (const id of ids.slice(at, at + REMOVED_AT_ONCE)) tx.collection(name).delete(id);
      });
  }

  async function build(
    projection: Projection,
    generation: number,
    epoch: number,
    signal: AbortSignal,
  ): Promise<void> {
    logger.info('building views anew', { projection: projection.name, generation });
    while (!signal.aborted) {
      await catchUp(projection, generation, epoch, false, { follow: false, signal });
      const replaced = await switchOver(projection);
      if (replaced === undefined) await pause(SOON_MS, signal);
      else {
        logger.info('views replaced', { projection: projection.name, generation });
        return removeViews(projection, replaced);
      }
    }
  }

  /** Code with a newer version than the views begins to build them anew. */
  function prepared(projection: Projection): Promise<Generations> {
    return unitOfWork.run(async (tx) => {
      const generations = await projection.noted(tx);
      const { version, next } = generations;
      if ((next?.version ?? version) >= projection.version) return generations;
      return renewed(tx, projection, generations);
    });
  }

  function renewed(tx: Transaction, projection: Projection, { live, version, next }: Generations) {
    const generation = (next?.generation ?? live) + 1;
    const wanted = { live, version, next: { generation, version: projection.version } };
    projection.setGenerations(tx, wanted);
    return wanted;
  }

  /** Resolves when the generations have become others, whoever did that. */
  async function watch(projection: Projection, known: Generations, signal: AbortSignal): Promise<void> {
    const before = JSON.stringify(known);
    while (!signal.aborted) {
      await pause(AGAIN_MS, signal);
      const now = signal.aborted ? known : await unitOfWork.run((tx) => projection.generations(tx));
      if (JSON.stringify(now) !== before) return;
    }
  }

  /** One generation is followed, and the next one built, until the generations are others. */
  async function round(projection: Projection, epoch: number, signal: AbortSignal): Promise<void> {
    const generations = await prepared(projection);
    const { live, version, next } = generations;
    const over = new AbortController();
    const end = (): void => over.abort();
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    // What is of another version is for the processes that run that.
    const work = [watch(projection, generations, over.signal).finally(end)];
    if (version === projection.version)
      work.push(catchUp(projection, live, epoch, true, { follow: true, signal: over.signal }));
    if (next?.version === projection.version)
      work.push(build(projection, next.generation, epoch, over.signal).finally(end));
    try {
      await Promise.all(work);
    } finally {
      end();
      signal.removeEventListener('abort', end);
      await Promise.allSettled(work);
    }
  }

  return {
    async run(projection, epoch, signal) {
      while (!signal.aborted) {
        try {
          await round(projection, epoch, signal);
        } catch (error) {
          if (signal.aborted) return;
          logger.warn('a read model does not keep up', {
            projection: projection.name,
            reason: messageOf(error),
          });
          await pause(AGAIN_MS, signal);
        }
      }
    },
    async rebuild(projection) {
      await unitOfWork.run(async (tx) => renewed(tx, projection, await projection.noted(tx)));
    },
    async hasReached(projection, stream, version) {
      const [event] = await events.read(stream, { from: version, to: version });
      if (event === undefined) return false;
      const position = await unitOfWork.run((tx) => livePosition(projection, tx));
      return position !== undefined && !isBehind(position, event.position);
    },
    async isCaughtUp(projection) {
      const { category } = projection;
      const after = await unitOfWork.run((tx) => livePosition(projection, tx));
      const options = { category, batchSize: 1, ...(after !== undefined && { after }) };
      for await (const batch of events.readAll(options)) return batch.events.length === 0;
      return true;
    },
  };

  async function livePosition(projection: Projection, tx: Transaction) {
    const { live } = await projection.generations(tx);
    return (await checkpoints.get(tx, nameOf(projection, live))).position;
  }
}
