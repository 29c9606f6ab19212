import { fnv1a } from '../lanes.ts';

/** Parts of the outbox that relays share among them: as many can work side by side. Stored, so never to be changed. */
export const PARTITIONS = 16;

/** @param key of a message without one, its id */
export function partitionOf(key: string): number {
  return fnv1a(key) % PARTITIONS;
}
