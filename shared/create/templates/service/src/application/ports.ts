import type { Transaction } from '@waggle/kernel';
import type { HoneyJar } from '../domain/honey-jar.ts';

/** Where honey jars are kept. */
export interface HoneyJars {
  find(tx: Transaction, honeyJarId: string): Promise<HoneyJar | undefined>;
  list(tx: Transaction): Promise<readonly HoneyJar[]>;
  save(tx: Transaction, honeyJar: HoneyJar): void;
}
