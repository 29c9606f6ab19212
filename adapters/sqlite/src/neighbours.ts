import type { Added } from '@waggle/messaging';

type Hear = (added: Added) => void;

/** The open stores of this process, by the real path of their file. */
const stores = new Map<string, Set<Hear>>();

/** Of the stores of this process on one file, each hears what any of them commits. */
export interface Neighbours {
  readonly tell: Hear;
  leave(): void;
}

export function joinNeighbours(realPath: string, hear: Hear): Neighbours {
  const all = stores.get(realPath) ?? new Set();
  stores.set(realPath, all.add(hear));
  return {
    tell(added) {
      for (const each of all) each(added);
    },
    leave() {
      all.delete(hear);
      if (all.size === 0 && stores.get(realPath) === all) stores.delete(realPath);
    },
  };
}
