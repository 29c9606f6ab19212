import { MessagingError } from '@waggle/kernel';
import type { BrokerDriver, DriverSettings } from '@waggle/messaging';
import { createConnection } from './connection.ts';
import { readLog } from './log-reader.ts';
import { createMemoryBroker, type MemoryBroker } from './memory-broker.ts';
import { createMemoryConsumer, type MemoryConsumer } from './memory-consumer.ts';

export interface MemoryDriver extends BrokerDriver {
  /**
   * Behaves as if the process stood still, as in a long garbage collection: its consumers take nothing and what they
   * settle is not sent, so that after `leaseMs` what they hold goes to other members. A test hook.
   */
  freeze(): void;
  /** The process goes on: what it settled meanwhile is sent, and has no effect if its lease was over. */
  thaw(): void;
}

/** @param broker the server; drivers that share it are replicas or other services @default one of its own */
export function createMemoryDriver(
  settings: DriverSettings,
  broker: MemoryBroker = createMemoryBroker(),
): MemoryDriver {
  const { end } = broker;
  const consumers = new Set<MemoryConsumer>();
  const connection = createConnection(settings, end, () => {
    for (const consumer of consumers) consumer.reattach();
  });
  let frozen = false;

  return {
    get status() {
      return connection.status;
    },
    open: (options) => connection.open(options),
    async declare(topology) {
      (await connection.reach()).declare(topology);
    },
    async publish(messages) {
      let session;
      try {
        session = connection.session ?? (await connection.reach());
      } catch (error) {
        if (!(error instanceof MessagingError)) throw error;
        return messages.map(() => error);
      }
      const outcomes: (MessagingError | undefined)[] = [];
      for (const message of messages) outcomes.push(session.publish(message));
      await end.pace.breath();
      if (!session.lost) return outcomes;
      const unavailable = new MessagingError(
        'unavailable',
        '[memory] the connection was lost before the confirmation: whether the message was stored is unknown',
      );
      return outcomes.map((outcome) => outcome ?? unavailable);
    },
    async consume(options, deliver) {
      const session = await connection.reach();
      const consumer = createMemoryConsumer({ ...options }, deliver, {
        settings,
        clock: end.clock,
        session: () => connection.session,
        closed: (left) => consumers.delete(left),
      });
      if (frozen) consumer.freeze();
      consumer.attach(session);
      consumers.add(consumer);
      return consumer;
    },
    read: (source, options) => readLog(connection, source.kind, options),
    async lag(source) {
      return (await connection.reach()).lag(source);
    },
    async describe() {
      return (await connection.reach()).describe();
    },
    async close() {
      connection.close();
      await Promise.all([...consumers].map((consumer) => consumer.close()));
      await end.pace.breath();
    },
    freeze() {
      frozen = true;
      for (const consumer of consumers) consumer.freeze();
    },
    thaw() {
      frozen = false;
      for (const consumer of consumers) consumer.thaw();
    },
  };
}
