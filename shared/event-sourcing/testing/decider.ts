import assert from 'node:assert/strict';
import type { Decider, DomainEvent } from '@waggle/kernel';

export interface DeciderWhen<Command, Event> {
  when(command: Command): DeciderThen<Event>;
}

export interface DeciderThen<Event> {
  /** Exactly these events; none means that nothing happens. */
  happens(...events: readonly Event[]): void;
  /** It throws an error with this message, or one that matches. */
  isRefused(message: string | RegExp): void;
}

/**
 * Given what happened, when this is asked, that happens or is refused:
 * `given(order)(placed).when({ type: 'confirm' }).happens(confirmed)`.
 */
export function given<State, Command, Event extends DomainEvent>(decider: Decider<State, Command, Event>) {
  return (...events: readonly Event[]): DeciderWhen<Command, Event> => ({
    when(command) {
      const state = events.reduce(decider.evolve, decider.initialState);
      return {
        happens: (...expected) => assert.deepEqual(decider.decide(command, state), expected),
        isRefused: (message) =>
          assert.throws(
            () => decider.decide(command, state),
            typeof message === 'string' ? { message } : message,
          ),
      };
    },
  });
}

/** The state after these events. */
export function stateAfter<State, Event extends DomainEvent>(
  decider: Decider<State, never, Event>,
  ...events: readonly Event[]
): State {
  return events.reduce(decider.evolve, decider.initialState);
}
