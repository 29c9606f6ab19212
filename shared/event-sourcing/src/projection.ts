import type { Collection, DomainEvent, StreamEvent, Transaction } from '@waggle/kernel';
import { checkName } from '@waggle/kernel';

/** How a read model is folded from events. */
export interface ProjectionOptions<View, Event extends DomainEvent = DomainEvent> {
  /** Of the read model; unique in its service. */
  readonly name: string;
  /** Events of the streams of this category. */
  readonly category: string;
  /** Raise it whenever the views have another shape: they are then built anew beside the old ones. @default 1 */
  readonly version?: number;
  /**
   * Changes views. Its only effects go through `views`; it may run again for the same event, from the same state.
   * @param place the same event with its stream, version, id and metadata
   */
  project(views: Collection<View>, event: Event, place: StreamEvent): Promise<void> | void;
  /** What else happens, in the same transaction; not while the views are built anew. @default nothing */
  react?(tx: Transaction, event: Event, place: StreamEvent): Promise<void> | void;
}

/** Which generation of the views is asked, and which one is being built. */
export interface Generations {
  readonly live: number;
  /** The version of the code that made it. */
  readonly version: number;
  readonly next?: { readonly generation: number; readonly version: number };
}

export interface Projection<View = unknown> {
  readonly name: string;
  readonly category: string;
  readonly version: number;
  /** The views as they are asked. */
  views(tx: Transaction): Promise<Collection<View>>;
  /** For inline projections: changes the live views. */
  apply(tx: Transaction, events: readonly StreamEvent[]): Promise<void>;
  /** Changes the views of one generation; reactions only where it is live. */
  applyTo(
    tx: Transaction,
    generation: number,
    events: readonly StreamEvent[],
    isLive: boolean,
  ): Promise<void>;
  collectionOf(tx: Transaction, generation: number): Collection<View>;
  generations(tx: Transaction): Promise<Generations>;
  /** The same, noted if they were not: from then on the views are known to be of this version. */
  noted(tx: Transaction): Promise<Generations>;
  setGenerations(tx: Transaction, generations: Generations): void;
}

/** @throws MessagingError `invalid` for a bad name */
export function defineProjection<View, Event extends DomainEvent = DomainEvent>(
  options: ProjectionOptions<View, Event>,
): Projection<View> {
  const { name, category, version = 1, project, react } = options;
  checkName('projection', name);
  const known = (tx: Transaction) => tx.collection<Generations>('projections');
  const collectionOf = (tx: Transaction, generation: number): Collection<View> =>
    tx.collection<View>(`${name}.${generation}`);
  const first: Generations = { live: 1, version };
  const generations = async (tx: Transaction): Promise<Generations> => (await known(tx).get(name)) ?? first;

  async function noted(tx: Transaction): Promise<Generations> {
    const found = await known(tx).get(name);
    if (found === undefined) known(tx).put(name, first);
    return found ?? first;
  }

  async function applyTo(
    tx: Transaction,
    generation: number,
    events: readonly StreamEvent[],
    isLive: boolean,
  ): Promise<void> {
    const views = collectionOf(tx, generation);
    for (const event of events) {
      // Sound: a category has the events of its service, brought up to their newest shape.
      const known = event as unknown as Event;
      await project(views, known, event);
      if (isLive) await react?.(tx, known, event);
    }
  }

  return {
    name,
    category,
    version,
    collectionOf,
    generations,
    noted,
    setGenerations: (tx, value) => known(tx).put(name, value),
    views: async (tx) => collectionOf(tx, (await generations(tx)).live),
    applyTo,
    apply: async (tx, events) => applyTo(tx, (await noted(tx)).live, events, true),
  };
}
