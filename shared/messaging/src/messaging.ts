import type {
  Clock,
  Consumer,
  ConsumerGroups,
  Contracts,
  DeadLetters,
  DrainReport,
  EventStream,
  Ids,
  Logger,
  MessageQueue,
  Observer,
  Random,
} from '@waggle/kernel';
import { silentLogger } from '@waggle/kernel';
import { createConsumerGroups } from './consumer-groups.ts';
import { createDeadLetterLog } from './dead-letters/dead-letter-log.ts';
import type { BrokerDriver, DriverStatus } from './driver.ts';
import { createEventStream } from './event-stream.ts';
import { createMessageQueue } from './message-queue.ts';
import type { Middleware } from './middleware.ts';
import { neverThrowing } from './observing.ts';
import type { Publisher } from './publisher.ts';
import { createPublisher } from './publisher.ts';
import { randomIds, systemClock } from './system.ts';

export interface MessagingOptions {
  readonly driver: BrokerDriver;
  /** As in the driver's settings: keys are hashed onto this many lanes. @default 16 */
  readonly lanes?: number;
  /** Most bytes of an encoded message, as in the driver's settings. @default 1_048_576 */
  readonly maxMessageBytes?: number;
  /** The published language. @default nothing is checked and every type is handled */
  readonly contracts?: Contracts;
  /** Wraps every handler of every consumer, the first outermost. @default none */
  readonly middleware?: readonly Middleware[];
  /** @default the system's clock */
  readonly clock?: Clock;
  /** @default random UUIDs */
  readonly ids?: Ids;
  /** For the jitter of retries. @default Math.random */
  readonly random?: Random;
  /** @default silent */
  readonly logger?: Logger;
  readonly observer?: Observer;
}

/** The ports over one driver. */
export interface Messaging {
  readonly events: EventStream;
  readonly queue: MessageQueue;
  readonly deadLetters: DeadLetters;
  /** What consumes, and where it stands; for operators. */
  readonly groups: ConsumerGroups;
  /** For the outbox relay. */
  readonly publisher: Publisher;
  readonly status: DriverStatus;
  /** Opens the driver; see there. */
  open(options?: { readonly waitMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** Drains all consumers side by side and adds up their reports. Draining twice is one drain. */
  drain(budgetMs: number): Promise<DrainReport>;
  /** Drains what still runs, with no budget, and closes the driver. Idempotent. */
  close(): Promise<void>;
}

/** The portable layer: what the business sees, written once over any driver. */
export function createMessaging(options: MessagingOptions): Messaging {
  const { driver, lanes = 16, maxMessageBytes = 1_048_576, contracts, middleware = [] } = options;
  const { clock = systemClock, ids = randomIds, random = Math.random, logger = silentLogger } = options;
  const observer = neverThrowing(options.observer, logger);
  const publisher = createPublisher({ driver, lanes, maxMessageBytes, contracts, observer });
  const deadLetters = createDeadLetterLog(driver, clock, ids);
  const releaseCounts = (): boolean => driver.releaseCounts === true;
  const services = { deadLetters, contracts, clock, random, logger, observer, releaseCounts };
  const consumers: Consumer[] = [];
  const register = (consumer: Consumer): void => void consumers.push(consumer);

  async function drain(budgetMs: number): Promise<DrainReport> {
    const reports = await Promise.all(consumers.map((consumer) => consumer.drain(budgetMs)));
    return {
      finished: reports.reduce((sum, { finished }) => sum + finished, 0),
      abandoned: reports.flatMap(({ abandoned }) => abandoned),
    };
  }

  return {
    events: createEventStream(driver, publisher, services, middleware, register),
    queue: createMessageQueue(driver, publisher, services, middleware, register),
    deadLetters,
    groups: createConsumerGroups(driver),
    publisher,
    get status() {
      return driver.status;
    },
    open: (openOptions) => driver.open(openOptions),
    drain,
    async close() {
      await drain(0);
      await driver.close();
    },
  };
}
