import { messageOf } from '@waggle/kernel';
import type { Clock, Consumer, Contracts, Ids, Observation, Observer } from '@waggle/kernel';
import type { Messaging } from '@waggle/messaging';
import { createMessaging, createRelay, neverThrowing, randomIds, systemClock } from '@waggle/messaging';
import { ConfigurationError } from './configuration.ts';
import type { Surroundings } from './configure.ts';
import { configure } from './configure.ts';
import { deadLetterRoutes } from './dead-letter-routes.ts';
import { HOW_TO_BEGIN, loadContracts } from './discover.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createHttpApp } from './http.ts';
import { createMetrics } from './metrics.ts';
import { operations } from './operations.ts';
import { listen } from './server.ts';
import type { StopReport } from './shutdown.ts';
import { release, shutDown } from './shutdown.ts';
import { isSettled } from './settled.ts';
import { findConflicts, startConsumers, topologyOf, wire } from './wiring.ts';

/** Besides the environment everything has a default; tests put something else in its place. */
export interface HostOptions extends Surroundings {
  /** The messages that are known: checked against their schemas, counted by their types. @default all of shared/contracts/src, and what the services declare */
  readonly contracts?: Contracts;
  /** Told of everything that happens to messages, besides metrics and logs. */
  readonly observer?: Observer;
  /** @default the system's clock */
  readonly clock?: Clock;
  /** @default random UUIDs */
  readonly ids?: Ids;
}

/** A running set of services. */
export interface Host {
  /** Where it listens, with the port it really has. */
  readonly url: string;
  /** Answers a request without the network. */
  request(path: string, init?: RequestInit): Promise<Response>;
  readonly messaging: Messaging;
  /**
   * Whether nothing is under way: the outbox is empty, no consumer has anything left, the read models have caught up. What
   * waits for a time of its own does not count.
   */
  isSettled(): Promise<boolean>;
  /**
   * Readiness goes first; for `SHUTDOWN_DELAY_MS` all else goes on as before. Then, still within reach of whoever asks,
   * consumers finish what they have; then the listener closes, the outbox is flushed, connections close: all of it within
   * `SHUTDOWN_TIMEOUT_MS`, of which work in flight may use four fifths. Idempotent. Reports what was cut off.
   */
  stop(): Promise<StopReport>;
}

/**
 * Runs services in this process: any set of them, on the configured broker and store. Resolves when they take requests,
 * which is after every consumer group exists, so that nothing published from then on is missed.
 * @throws ConfigurationError with every problem; MessagingError when the broker cannot be used
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { clock = systemClock, ids = randomIds } = options;
  const { services, settings, logger, driver, store } = await configure(options);
  const contracts = options.contracts ?? (await loadContracts(services));
  const metrics = createMetrics((type) => contracts.find(type) !== undefined);
  const outside = neverThrowing(options.observer, logger);
  let happened = 0;
  const observer = (observation: Observation): void => {
    happened++;
    metrics.observe(observation);
    outside?.(observation);
  };
  const messaging = createMessaging({
    driver,
    lanes: settings.LANES,
    maxMessageBytes: settings.MAX_EVENT_BYTES,
    contracts,
    clock,
    ids,
    logger,
    observer,
  });
  const { LEASE_MS: leaseMs, INBOX_MAX_AGE_MS: inboxMaxAgeMs } = settings;
  const relay = createRelay({
    store,
    publisher: messaging.publisher,
    clock,
    logger,
    leaseMs,
  });
  const wiring = { messaging, store, clock, ids, logger, observer, leaseMs };
  const wired = services.map((service) => wire(service, wiring));
  const conflicts = findConflicts(wired);
  if (conflicts.length > 0) throw new ConfigurationError(conflicts);

  const housekeeping = createHousekeeping({ store, clock, logger, inboxMaxAgeMs });
  const consumers = new Map<string, Consumer>();
  let ready = false;
  const app = createHttpApp({
    settings,
    ids,
    logger,
    routes: [
      operations({
        services,
        names: { broker: settings.BROKER, store: settings.STORE },
        messaging,
        store,
        consumers,
        metrics,
        logger,
        isReady: () => ready,
      }),
      deadLetterRoutes({ namespace: settings.NAMESPACE, deadLetters: messaging.deadLetters }),
      ...wired.flatMap(({ routes }) => routes),
    ],
  });

  async function start() {
    await store.open();
    await messaging.open({ waitMs: settings.BROKER_WAIT_MS });
    await driver.declare(topologyOf(wired, contracts));
    for (const service of wired) {
      for (const [name, consumer] of await startConsumers(service, wiring)) consumers.set(name, consumer);
    }
    await Promise.all(wired.map(({ readModels }) => readModels.start()));
    relay.start();
    housekeeping.start();
    return listen(app, settings);
  }

  const server = await start().catch(async (error: unknown) => {
    // What follows from it, such as a store that never opened, must not hide why the start failed.
    housekeeping.stop();
    await Promise.allSettled(wired.map(({ readModels }) => readModels.stop()));
    await relay.stop(0).catch(() => undefined);
    await release(messaging, store).catch(() => undefined);
    throw error;
  });
  ready = true;
  logger.info('started', {
    services: services.map(({ name }) => name),
    url: server.url,
    openapi: `${server.url}/openapi.json`,
    broker: settings.BROKER,
    store: settings.STORE,
    namespace: settings.NAMESPACE,
  });
  if (services.length === 0)
    logger.warn(`there is no service, so that this host does nothing. ${HOW_TO_BEGIN}`);
  metrics
    .load()
    .catch((error: unknown) => logger.error('nothing can be counted', { reason: messageOf(error) }));
  if (settings.STORE === 'memory' && settings.BROKER !== 'memory') {
    logger.warn(
      'STORE=memory with a durable broker: what the services remember, and what waits in the outbox, is gone at the next restart',
    );
  }

  if (settings.BROKER === 'memory' && settings.STORE !== 'memory') {
    logger.warn(
      'BROKER=memory with a durable store: messages that have left the outbox and are not handled yet, and dead letters, are gone at the next restart',
    );
  }

  function stop(): Promise<StopReport> {
    ready = false;
    const { SHUTDOWN_DELAY_MS: delayMs, SHUTDOWN_TIMEOUT_MS: budgetMs } = settings;
    housekeeping.stop();
    const readModels = wired.map((each) => each.readModels);
    return shutDown({ delayMs, budgetMs, messaging, server, relay, readModels, store, logger });
  }

  let stopping: Promise<StopReport> | undefined;
  return {
    url: server.url,
    request: async (path, init) => app.request(path, init),
    messaging,
    isSettled: () => isSettled(store, messaging, consumers, wired, () => happened),
    stop: () => (stopping ??= stop()),
  };
}
