import { createDriver, type BrokerDriver, type DriverConsumer, type DriverSettings } from '@waggle/messaging';
import { openLink, type NatsContext, type NatsOptions } from './nats-connection.ts';
import { createConsumer, type NatsConsumer } from './nats-consumer.ts';
import { translate } from './nats-errors.ts';
import { describe, lagOf } from './nats-groups.ts';
import { headOf, readLog } from './nats-log.ts';
import { RESERVED } from './nats-message.ts';
import { createPublisher } from './nats-publisher.ts';
import { declare } from './nats-topology.ts';

/** Waggle on NATS JetStream, 2.9 or newer. The README says what it makes of the server. */
export function createNatsDriver(settings: DriverSettings, options: NatsOptions): BrokerDriver {
  const context: NatsContext = { settings, options, floors: new Set(), created: new Map() };
  const consumers = new WeakMap<DriverConsumer, NatsConsumer>();

  return createDriver(settings, {
    name: 'nats',
    reservedHeaders: RESERVED,
    translate,
    async connect(lost) {
      const link = await openLink(context);
      return {
        releaseCounts: true,
        declare: (topology) => declare(link, topology),
        publish: createPublisher(link, lost),
        async consume(asked, deliver, { previous, ended }) {
          const known = previous && consumers.get(previous);
          const consumer = known ?? createConsumer(context, asked, deliver);
          try {
            await consumer.attach(link, ended);
          } catch (error) {
            if (known === undefined) await consumer.close();
            throw error;
          }
          consumers.set(consumer, consumer);
          return consumer;
        },
        head: (log) => headOf(link, log),
        read: (log, reading) => readLog(link, log, reading),
        lag: (source) => lagOf(link, source),
        describe: () => describe(link),
        close: () => link.client.close(),
      };
    },
  });
}
