import type { Transaction } from '@waggle/kernel';
import { acknowledged } from '../domain/honey-jar.ts';
import type { HoneyJars } from './ports.ts';

export type AcknowledgeHoneyJar = (tx: Transaction, honeyJarId: string) => Promise<void>;

/** Acknowledges a honey jar. One that is not kept here is not ours. */
export function acknowledgeHoneyJar(honeyJars: HoneyJars): AcknowledgeHoneyJar {
  return async (tx, honeyJarId) => {
    const honeyJar = await honeyJars.find(tx, honeyJarId);
    if (honeyJar !== undefined) honeyJars.save(tx, acknowledged(honeyJar));
  };
}
