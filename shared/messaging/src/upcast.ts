import type { CloudEvent, Contracts } from '@waggle/kernel';
import { matchesType, messageOf } from '@waggle/kernel';
import { Undecodable } from './codec.ts';

/** These types, and those whose place they took: whoever handles the newest version is given the older ones as such. */
export function withPredecessors(
  types: readonly string[],
  contracts: Contracts | undefined,
): readonly string[] {
  return [...new Set(types.flatMap((type) => [type, ...(contracts?.predecessors?.(type) ?? [])]))];
}

/**
 * The message in the newest version that is wanted. A handler of an older version goes on getting that one.
 * @throws Undecodable where that fails
 */
export function upcast(
  message: CloudEvent,
  types: readonly string[],
  contracts: Contracts | undefined,
): CloudEvent {
  let current = message;
  for (;;) {
    const successor = contracts?.successor?.(current.type);
    if (successor === undefined || !types.some((pattern) => matchesType(pattern, successor.type)))
      return current;
    try {
      current = { ...current, type: successor.type, data: successor.up(current.data) };
    } catch (error) {
      throw new Undecodable(`${current.type} does not become ${successor.type}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}
