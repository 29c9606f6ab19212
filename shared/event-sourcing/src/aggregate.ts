import type { Decider, DomainEvent, StreamEvent, Transaction } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import type { Projection } from './projection.ts';

/** When the state of an aggregate is kept beside its events, so that fewer have to be read. */
export interface SnapshotPolicy {
  /** One about every so many events. */
  readonly every: number;
  /** Raise it whenever the state has another shape: older snapshots are then ignored. @default 1 */
  readonly schemaVersion?: number;
}

export interface AggregateOptions<State, Command, Event extends DomainEvent> {
  /** Streams are `<category>-<id>`. */
  readonly category: string;
  readonly decider: Decider<State, Command, Event>;
  /** The state must be what JSON can say. @default no snapshots */
  readonly snapshots?: SnapshotPolicy;
  /** Read models that change in the transaction of the events. @default none */
  readonly inline?: readonly Projection[];
}

export interface Loaded<State> {
  readonly state: State;
  /** 0 for what does not exist yet. */
  readonly version: number;
}

export interface Handled<State, Event> extends Loaded<State> {
  /** What happened; nothing where the command changed nothing. */
  readonly events: readonly Event[];
}

/** An event-sourced aggregate: its decider, and how its events are kept. */
export interface Aggregate<State, Command, Event extends DomainEvent> {
  streamOf(id: string): string;
  load(tx: Transaction, id: string): Promise<Loaded<State>>;
  /**
   * Loads, decides and appends what happened with the version that was loaded. Whoever was faster makes the transaction run
   * again, a bounded number of times. @throws what the decider throws
   */
  handle(tx: Transaction, id: string, command: Command): Promise<Handled<State, Event>>;
}

interface Snapshot<State> extends Loaded<State> {
  readonly schemaVersion: number;
}

/** @throws MessagingError `invalid` */
export function defineAggregate<State, Command, Event extends DomainEvent>({
  category,
  decider,
  snapshots,
  inline = [],
}: AggregateOptions<State, Command, Event>): Aggregate<State, Command, Event> {
  if (!/^[a-z][a-z0-9]*$/.test(category))
    throw invalid(`"${category}" is not a category: use lower-case letters and digits, no dash`);
  if (snapshots !== undefined && !(Number.isInteger(snapshots.every) && snapshots.every > 0))
    throw invalid(`snapshots of ${category} every ${snapshots.every} events: give a whole number from 1`);
  const streamOf = (id: string): string => `${category}-${id}`;
  const schemaVersion = snapshots?.schemaVersion ?? 1;
  const kept = (tx: Transaction) => tx.collection<Snapshot<State>>('snapshots');

  async function start(tx: Transaction, stream: string): Promise<Loaded<State>> {
    const snapshot = snapshots && (await kept(tx).get(stream));
    return snapshot?.schemaVersion === schemaVersion ? snapshot : { state: decider.initialState, version: 0 };
  }

  async function load(tx: Transaction, id: string): Promise<Loaded<State>> {
    const stream = streamOf(id);
    const { state, version } = await start(tx, stream);
    const events = await tx.stream(stream).read(version === 0 ? {} : { from: version + 1 });
    return { state: fold(state, events), version: events.at(-1)?.version ?? version };
  }

  // Sound: a stream of this category has what this decider decided, brought up to its newest shape.
  const fold = (state: State, events: readonly StreamEvent[]): State =>
    events.reduce((folded, event) => decider.evolve(folded, event as unknown as Event), state);

  return {
    streamOf,
    load,
    async handle(tx, id, command) {
      const stream = streamOf(id);
      const { state: before, version: from } = await load(tx, id);
      const events = decider.decide(command, before);
      if (events.length === 0) return { events, state: before, version: from };
      const state = events.reduce(decider.evolve, before);
      const version = from + events.length;
      tx.stream(stream).append(events, from);
      if (
        snapshots !== undefined &&
        Math.floor(version / snapshots.every) > Math.floor(from / snapshots.every)
      )
        kept(tx).put(stream, { schemaVersion, version, state });
      if (inline.length > 0) {
        const appended = await tx.stream(stream).read({ from: from + 1 });
        for (const projection of inline) await projection.apply(tx, appended);
      }
      return { events, state, version };
    },
  };
}

function invalid(what: string): MessagingError {
  return new MessagingError('invalid', what);
}
