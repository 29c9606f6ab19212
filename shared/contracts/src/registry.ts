import type { AnyContract, Contracts } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';

/** The published language, by type. */
export interface Registry extends Contracts {
  readonly all: readonly AnyContract[];
  find(type: string): AnyContract | undefined;
}

/** Collects contracts from modules: whatever they export that is one. @throws MessagingError `invalid` for a type declared twice */
export function createRegistry(...modules: readonly Readonly<Record<string, unknown>>[]): Registry {
  const byType = new Map<string, AnyContract>();
  for (const contract of modules.flatMap((module) => Object.values(module)).filter(isContract)) {
    if (byType.has(contract.type) && byType.get(contract.type) !== contract) {
      throw new MessagingError(
        'invalid',
        `${contract.type} is declared twice: keep one, or give the other a new version`,
      );
    }
    byType.set(contract.type, contract);
  }
  const successors = new Map<string, AnyContract>();
  for (const contract of byType.values()) {
    const { replaces } = contract;
    if (replaces === undefined) continue;
    const other = successors.get(replaces.type);
    if (other !== undefined)
      throw new MessagingError(
        'invalid',
        `${other.type} and ${contract.type} both replace ${replaces.type}: one may, the other replaces that one`,
      );
    successors.set(replaces.type, contract);
  }
  return {
    all: [...byType.values()],
    find: (type) => byType.get(type),
    successor(type) {
      const found = successors.get(type);
      return found?.replaces && { type: found.type, up: found.replaces.up };
    },
    predecessors(type) {
      const found: string[] = [];
      for (
        let before = byType.get(type)?.replaces;
        before !== undefined;
        before = byType.get(before.type)?.replaces
      )
        found.push(before.type);
      return found;
    },
  };
}

function isContract(value: unknown): value is AnyContract {
  return typeof value === 'function' && 'kind' in value && 'type' in value && 'check' in value;
}
