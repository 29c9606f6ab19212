import type { BrokerDriver, DriverSettings, Source } from '@waggle/messaging';
import { abortable, closedError, NatsLink, type NatsOptions } from './nats-connection.ts';
import { NatsConsumer } from './nats-consumer.ts';
import { TakenLine } from './nats-delivery.ts';
import { readLog } from './nats-log.ts';
import { NatsPublisher } from './nats-publisher.ts';
import { NatsTopology, undeclared } from './nats-topology.ts';
import { deadPlace, eventsPlace } from './nats-wire.ts';

/** Leases are looked after this often at most, and thrice a lease at least. */
const TICK_MS = 1000;

/** Waggle on NATS JetStream, 2.9 or newer. The README says what it makes of the server. */
export function createNatsDriver(settings: DriverSettings, options: NatsOptions): BrokerDriver {
  const link = new NatsLink(settings, options);
  const topology = new NatsTopology(link);
  const publisher = new NatsPublisher(link, topology);
  const consumers = new Set<NatsConsumer>();
  let opening: Promise<void> | undefined;
  let opened = false;
  let closing: Promise<void> | undefined;
  let ticker: NodeJS.Timeout | undefined;

  const check = (): void => {
    if (!opened || closing !== undefined) throw closedError();
  };

  const open: BrokerDriver['open'] = async (how) => {
    const connection = await link.connect(how);
    try {
      await abortable(topology.open(connection), how?.signal);
    } catch (error) {
      await link.disconnect();
      throw error;
    }
    const everyMs = Math.min(settings.leaseMs / 6, TICK_MS);
    ticker = setInterval(() => consumers.forEach((each) => each.tick()), everyMs).unref();
    opened = true;
  };

  const close = async (): Promise<void> => {
    await Promise.all([...consumers].map((each) => each.close()));
    await publisher.flush();
    clearInterval(ticker);
    link.close();
    await link.disconnect();
  };

  return {
    get status() {
      if (closing !== undefined) return 'closed';
      return opened || link.status === 'closed' ? link.status : 'new';
    },
    async open(how) {
      if (closing !== undefined) throw closedError();
      opening ??= open(how);
      try {
        await opening;
      } catch (error) {
        opening = undefined;
        throw error;
      }
      check();
    },
    async declare(wanted) {
      check();
      await topology.declare(wanted);
    },
    async publish(messages) {
      if (opened && closing === undefined) return publisher.publish(messages);
      return messages.map(() => closedError());
    },
    async consume(how, deliver) {
      check();
      const lines = topology.lines(how.source, how.source.kind === 'queue' ? 'by-key' : how.ordering);
      const taken = await Promise.all(
        lines.map(async (line) => {
          const info = await topology.info(line);
          if (info === undefined) throw undeclared(how.source);
          return new TakenLine(line, how.concurrency, info.ack_floor.stream_seq);
        }),
      );
      const connection = await link.ready(Date.now() + settings.requestTimeoutMs);
      check();
      const consumer = new NatsConsumer(link, topology, how, taken, deliver, (each) =>
        consumers.delete(each),
      );
      consumers.add(consumer);
      await consumer.attach(connection);
      return consumer;
    },
    async *read(source, how) {
      check();
      yield* readLog(link, topology, placeOf(settings.namespace, source), how);
    },
    async lag(source) {
      check();
      return topology.lag(source);
    },
    async describe() {
      check();
      return topology.describe();
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function placeOf(namespace: string, { kind }: Pick<Source, 'kind'>) {
  return kind === 'dead-letters' ? deadPlace(namespace) : eventsPlace(namespace);
}
