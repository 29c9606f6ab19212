import type { honeyJarOpened } from '@waggle/contracts/templates/honey-house';
import type { MessageOf, Transaction } from '@waggle/kernel';

export type HoneyJarOpened = MessageOf<typeof honeyJarOpened>['data'];

/** Keeps what the event carries, so that nobody has to be asked for it. What else follows from it goes here. */
export async function keepHoneyJarOpened(tx: Transaction, key: string, data: HoneyJarOpened): Promise<void> {
  tx.collection<HoneyJarOpened>('honey-jar-opened').put(key, data);
}
