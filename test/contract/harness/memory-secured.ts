import { createMemoryBroker } from '@waggle/adapter-memory';
import { MessagingError } from '@waggle/kernel';
import type { Secured } from '../suite/index.ts';

/** A broker that lets in or refuses. It has neither certificates nor passwords: it knows who comes by the way they take. */
export function openMemoryAccount() {
  const broker = createMemoryBroker();
  const attempts: number[] = [];
  const noticed = (): boolean => {
    attempts.push(performance.now());
    return false;
  };
  broker.deny('open', noticed);
  const refuse = async (): Promise<never> => {
    noticed();
    throw new MessagingError('denied', '[memory] not you');
  };
  const closed: typeof broker = {
    ...broker,
    connector: (client) => ({ ...broker.connector(client), connect: refuse }),
  };
  const account: Omit<Secured, 'driver' | 'credentials'> = {
    wrongCertificates: {},
    attempts,
    carried: () => false,
    async lock() {
      const unlock = broker.deny('open');
      broker.dropConnections();
      return async () => unlock();
    },
    async forbid(permission, namespace) {
      const allow = broker.deny(permission, (access) => access.namespace === namespace);
      if (permission === 'consume') broker.closeChannels(namespace);
      return async () => allow();
    },
    close: async () => undefined,
  };
  return { ...account, broker, closed };
}
