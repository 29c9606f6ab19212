import type { HoneyJars } from '../application/ports.ts';
import type { HoneyJar } from '../domain/honey-jar.ts';

/** Honey jars as documents of the store, by their id. */
export function honeyJarRepository(): HoneyJars {
  return {
    find: (tx, honeyJarId) => tx.collection<HoneyJar>('honey-jars').get(honeyJarId),
    list: (tx) => tx.collection<HoneyJar>('honey-jars').list(),
    save: (tx, honeyJar) => tx.collection<HoneyJar>('honey-jars').put(honeyJar.honeyJarId, honeyJar),
  };
}
