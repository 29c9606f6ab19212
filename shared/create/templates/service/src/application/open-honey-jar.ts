import { honeyJarOpened } from '@waggle/contracts/templates/honey-house';
import type { Ids, Transaction } from '@waggle/kernel';
import type { HoneyJar } from '../domain/honey-jar.ts';
import { opened } from '../domain/honey-jar.ts';
import type { HoneyJars } from './ports.ts';

export type OpenHoneyJar = (tx: Transaction, title: string) => Promise<HoneyJar>;

/** Opens a honey jar, and announces it. */
export function openHoneyJar(honeyJars: HoneyJars, ids: Ids): OpenHoneyJar {
  return async (tx, title) => {
    const honeyJar = opened(ids.next(), title);
    honeyJars.save(tx, honeyJar);
    tx.publish(honeyJarOpened({ honeyJarId: honeyJar.honeyJarId, title: honeyJar.title }));
    return honeyJar;
  };
}
