import type { StreamEvent, Upcasters } from '@waggle/kernel';
import { messageOf, MessagingError } from '@waggle/kernel';

/** Leads the data of one type on to its next shape. */
export interface Upcaster {
  readonly type: string;
  /** The shape that it reads; it writes `from + 1`. */
  readonly from: number;
  /** Pure; may run any number of times for the same event. */
  up(data: never): unknown;
}

/** @param up reads the data as it was in shape `from` and returns it as it is in the next */
export function upcaster<Before>(type: string, from: number, up: (data: Before) => unknown): Upcaster {
  return { type, from, up };
}

/** All shapes of a service's events, for `offered.upcasters`. @throws MessagingError `invalid` for a gap, or for two of one step */
export function createUpcasters(upcasters: readonly Upcaster[]): Upcasters {
  const byType = Map.groupBy(upcasters, ({ type }) => type);
  const steps = new Map<string, readonly Upcaster[]>();
  for (const [type, all] of byType) {
    const ordered = all.toSorted((one, other) => one.from - other.from);
    ordered.forEach(({ from }, index) => {
      if (from !== index + 1)
        throw new MessagingError(
          'invalid',
          `the upcasters of "${type}" read the shapes ${ordered.map((each) => each.from).join(', ')}: write one for each from 1 on`,
        );
    });
    steps.set(type, ordered);
  }
  const newest = (type: string): number => (steps.get(type)?.length ?? 0) + 1;

  return {
    newest,
    upcast<Event extends StreamEvent>(event: Event): Event {
      const { type, schemaVersion, stream, version } = event;
      const last = newest(type);
      if (schemaVersion === last) return event;
      const what = `${type} at version ${version} of ${stream} has shape ${schemaVersion}`;
      if (schemaVersion > last || schemaVersion < 1)
        throw new MessagingError('invalid', `${what}, this code knows ${last}: run newer code`);
      let data: unknown = event.data;
      for (const step of steps.get(type)?.slice(schemaVersion - 1) ?? []) {
        try {
          data = step.up(data as never);
        } catch (error) {
          throw new MessagingError('invalid', `${what}: its upcaster failed: ${messageOf(error)}`, {
            cause: error,
          });
        }
      }
      return { ...event, data, schemaVersion: last };
    },
  };
}
