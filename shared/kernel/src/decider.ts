import type { DomainEvent } from './event-store.ts';

/** All that an event-sourced aggregate is: pure functions, without clock, ids or I/O. */
export interface Decider<State, Command, Event extends DomainEvent> {
  /** What happens when the command meets the state; nothing, where it changes nothing. Throws where a rule is broken. */
  decide(command: Command, state: State): readonly Event[];
  /** The state after the event. */
  evolve(state: State, event: Event): State;
  readonly initialState: State;
}
