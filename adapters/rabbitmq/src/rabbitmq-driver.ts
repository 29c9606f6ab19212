import type { ConsumeMessage } from 'amqplib';
import { abortable, createDriver, createRegistry, persist, systemClock } from '@waggle/messaging';
import type { BrokerConnection, BrokerDriver, DriverSettings } from '@waggle/messaging';
import type { Outcome, OutgoingMessage } from '@waggle/messaging';
import { closed } from './rabbitmq-channel.ts';
import { attemptOf, copyProperties, RESERVED_HEADERS, toProperties, withLane } from './rabbitmq-codec.ts';
import { startConsumer } from './rabbitmq-consumer.ts';
import { dialTwice, parseUrl, type RabbitMqOptions } from './rabbitmq-dial.ts';
import { isBound } from './rabbitmq-ensure.ts';
import { replyCode, translate } from './rabbitmq-errors.ts';
import { CREATION_MS, findHead, readLog, registryLog } from './rabbitmq-log.ts';
import { allQueue, createNames, laneQueue, type Names } from './rabbitmq-names.ts';
import { createPublisher, type Shipment } from './rabbitmq-publisher.ts';
import { countUnsettled, type Known, type Session } from './rabbitmq-session.ts';
import { describeSources, lagOf } from './rabbitmq-groups.ts';
import { createTopology } from './rabbitmq-topology.ts';

/** A broker on RabbitMQ 3.10 or newer. What it makes on the server is in the README. @throws MessagingError `invalid` for a bad URL */
export function createRabbitMqDriver(settings: DriverSettings, options: RabbitMqOptions): BrokerDriver {
  const target = parseUrl(options.url);
  const names = createNames(settings.namespace);
  const known: Known = { enrolled: new Map(), pumped: new Map(), unsettled: new Map() };
  return createDriver(settings, {
    name: 'rabbitmq',
    reservedHeaders: RESERVED_HEADERS,
    translate,
    connect: (lost, unblocked) =>
      persist(systemClock, NEVER, isCreating, CREATION_MS, () => connectOnce(lost, unblocked)),
  });

  async function connectOnce(
    lost: (reason: unknown) => void,
    unblocked: () => void,
  ): Promise<BrokerConnection> {
    const [model, writing] = await dialTwice(target, settings, options);
    const both = [model, writing];
    const end = new AbortController();
    let isOpen = false;
    let ending: unknown;
    const close = async (): Promise<void> => {
      end.abort();
      await Promise.all(both.map(closed));
    };
    const onClose = (reason: unknown): void => {
      if (end.signal.aborted) return;
      ending = reason ?? new Error('the server closed the connection');
      void close();
      if (isOpen) lost(ending);
    };
    for (const one of both) one.once('close', onClose);
    const registry = createRegistry(registryLog(writing, names.registry, end.signal), !isBound({ settings }));
    const session = { model, writing, gone: end.signal, close, settings, options, names, known, registry };
    try {
      const connection = await openConnection(session, unblocked);
      if (ending !== undefined) throw ending;
      isOpen = true;
      return connection;
    } catch (error) {
      await close();
      throw ending ?? error; // what was under way then knows only that there is no answer
    }
  }
}

const NEVER = new AbortController().signal;
const NOTHING = Buffer.alloc(0);
const ignore = (): void => undefined;
/** With which the server ends the connection of who reads a stream that is just being created. */
const INTERNAL_ERROR = 541;
const isCreating = (error: unknown): boolean => replyCode(error) === INTERNAL_ERROR;

/** Everything that happens while the connections last. Declares what always exists. */
async function openConnection(session: Session, unblocked: () => void): Promise<BrokerConnection> {
  const { model, writing, names, known } = session;
  const { lanes, retention } = session.settings;
  const isBlocked = watchBlocked(session, unblocked);
  const topology = createTopology(session);
  await topology.declareCommon();
  const ship = createPublisher(session, topology.declareCommon);
  const logs = { stream: names.log, 'dead-letters': names.dead };

  async function putOff(queue: string, raw: ConsumeMessage, delayMs: number): Promise<void> {
    const exchange = await topology.delays.exchange(delayMs);
    const properties = copyProperties(raw, attemptOf(raw));
    const copy = { exchange, routingKey: queue, properties, body: raw.content };
    const confirmed = new Promise<Outcome>((resolve) => ship(copy, resolve));
    const outcome = await abortable(confirmed, session.gone);
    if (outcome !== undefined) topology.delays.forget(); // somebody may have deleted one
    if (outcome !== undefined) throw outcome;
    countUnsettled(known, queue, 1);
    systemClock.after(delayMs, () => countUnsettled(known, queue, -1));
  }

  function ask(queue: string, expiration: number): void {
    if (!isBlocked())
      ship({ exchange: '', routingKey: queue, properties: { expiration }, body: NOTHING }, ignore);
  }

  const { version } = model.connection.serverProperties;
  return {
    releaseCounts: Number.parseInt(version, 10) < 4,
    get isBlocked() {
      return isBlocked();
    },
    declare: topology.declare,
    publish: (message, confirm) => ship(address(names, message), confirm),
    async consume({ source, ordering, ...how }, deliver, { ended, previous }) {
      await previous?.close();
      const consuming = { ...how, session, base: names.base(source), deliver, ended, putOff, ask };
      return startConsumer(consuming, ordering);
    },
    head: (log) => findHead(writing, logs[log]),
    read: (log, reading) => readLog(writing, logs[log], reading),
    lag: (source) => lagOf(session, source),
    describe: async () => [
      { kind: 'server', name: 'RabbitMQ', details: { version } },
      { kind: 'exchange', name: names.events, details: { lanes } },
      { kind: 'exchange', name: names.commands, details: {} },
      { kind: 'log', name: names.log, details: { ...retention } },
      { kind: 'log', name: names.dead, details: { ...retention } },
      ...(await describeSources(session)),
    ],
    close: session.close,
  };
}

/** Tells whether the server takes nothing: it says so, once it was sent something, while it is short of memory or disk. */
function watchBlocked({ writing, settings }: Session, unblocked: () => void): () => boolean {
  let isBlocked = false;
  writing.on('blocked', (reason) => {
    isBlocked = true;
    settings.logger.error('the server takes no messages for now', { reason });
  });
  writing.on('unblocked', () => {
    isBlocked = false;
    settings.logger.info('the server takes messages again');
    unblocked();
  });
  return () => isBlocked;
}

/** Where a message goes. The ordering of a group may be known to others only: its lanes are tried first. */
function address(names: Names, message: OutgoingMessage): Shipment {
  const { to, lane, type, body } = message;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const shipment = { exchange: '', properties: toProperties(message), body: bytes };
  switch (to.kind) {
    case 'stream':
      return { ...shipment, exchange: names.events, routingKey: `${lane}.${type}` };
    case 'queue':
      return { ...shipment, exchange: names.commands, routingKey: `${to.context}.${lane}.${type}` };
    case 'dead-letters':
      return { ...shipment, routingKey: names.dead };
    case 'group': {
      const base = names.base(to);
      const properties = withLane(shipment.properties, lane);
      const otherwise = { ...shipment, routingKey: allQueue(base), properties };
      return { ...shipment, routingKey: laneQueue(base, lane), otherwise };
    }
  }
}
