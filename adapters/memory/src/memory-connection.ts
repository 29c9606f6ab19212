import { MessagingError } from '@waggle/kernel';
import type { BrokerConnection, Destination } from '@waggle/messaging';
import { demand, type Operation } from './access.ts';
import type { BrokerServices } from './memory-group.ts';
import type { Client } from './memory-member.ts';
import { resourceOf, type MemoryNamespace } from './memory-namespace.ts';

/** The broker's end of a connection. */
export interface MemoryConnection extends BrokerConnection {
  readonly client: Client;
  /** Ends its consumers; what was not confirmed yet never will be. */
  cut(): void;
}

export function createConnection(
  client: Client,
  namespace: MemoryNamespace,
  { soon, dice, denials }: BrokerServices,
  closed: () => void,
): MemoryConnection {
  let confirms: (() => void)[] = [];

  const check = (operation: Operation, to: Destination): void =>
    demand(denials, { operation, namespace: client.settings.namespace, resource: resourceOf(to) });
  const confirmAll = (): void => {
    const due = confirms;
    confirms = [];
    for (const confirm of due) confirm();
  };

  const cut = (): void => {
    confirms = [];
    for (const member of client.members) member.leave();
  };

  return {
    client,
    async declare(topology) {
      if (client.settings.topology === 'bind') return namespace.bind(topology);
      for (const context of topology.queues) check('declare', { kind: 'queue', context });
      for (const { group } of topology.groups) check('declare', { kind: 'group', group });
      for (const source of topology.absent) check('declare', source);
      namespace.declare(topology, client.places);
    },
    publish(message, confirm) {
      const { to, type, id } = message;
      const { namespace: name } = client.settings;
      demand(denials, { operation: 'publish', namespace: name, resource: resourceOf(to), type });
      if (confirms.length === 0) soon(confirmAll); // before anybody is handed the message
      const fails = dice.happens('failPublish');
      if (!fails || dice.coin()) namespace.store(message);
      if (dice.happens('duplicate')) namespace.store(message);
      const outcome = fails ? unconfirmed(id) : undefined;
      confirms.push(() => confirm(outcome));
    },
    async consume({ source, ordering, concurrency, onMissed: missed = ignore }, deliver, { ended }) {
      check('consume', source);
      const group = namespace.find(source, ordering);
      const resource = resourceOf(source);
      client.places.set(resource, group);
      return group.attach({ client, resource, concurrency, deliver, missed, ended });
    },
    async head(log) {
      check('read', { kind: log });
      return namespace.logs[log].headPosition;
    },
    read(log, reading) {
      check('read', { kind: log });
      return namespace.logs[log].read(reading);
    },
    lag: async (source) => namespace.lag(source),
    describe: async () => namespace.describe(),
    async close() {
      cut();
      closed();
    },
    cut,
  };
}

const ignore = (): void => undefined;

function unconfirmed(id: string): MessagingError {
  return new MessagingError('unavailable', `[memory] message ${id} was not confirmed: a fault was injected`);
}
