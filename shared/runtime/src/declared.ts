import type { AnyContract, NewMessage, Transaction } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import type { InboxUnitOfWork } from '@waggle/messaging';
import type { Service } from './service.ts';

/** A unit of work that refuses, before anything is committed, what its service does not list as published or sent. */
export function declaredOnly(
  unitOfWork: InboxUnitOfWork,
  { name, publishes, sends }: Pick<Service, 'name' | 'publishes' | 'sends'>,
): InboxUnitOfWork {
  const guard = (tx: Transaction): Transaction => ({
    ...tx,
    publish(...events) {
      demandListed('publishes', publishes, events);
      tx.publish(...events);
    },
    send(...commands) {
      demandListed('sends', sends, commands);
      tx.send(...commands);
    },
    deliverAt(id, atMs, message) {
      if (message.kind === 'event') demandListed('publishes', publishes, [message]);
      else demandListed('sends', sends, [message]);
      tx.deliverAt(id, atMs, message);
    },
  });

  function demandListed(list: string, listed: readonly AnyContract[], messages: readonly NewMessage[]): void {
    for (const { type } of messages) {
      if (listed.some((contract) => contract.type === type)) continue;
      throw new MessagingError(
        'invalid',
        `${type} is not in \`${list}\` of the service ${name}: add it to defineService in service.ts`,
      );
    }
  }

  return {
    run: (work) => unitOfWork.run((tx) => work(guard(tx))),
    runOnce: (receipt, signal, work) => unitOfWork.runOnce(receipt, signal, (tx) => work(guard(tx))),
  };
}
