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
  return { all: [...byType.values()], find: (type) => byType.get(type) };
}

function isContract(value: unknown): value is AnyContract {
  return typeof value === 'function' && 'kind' in value && 'type' in value && 'check' in value;
}
