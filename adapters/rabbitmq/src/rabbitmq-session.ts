import type { ChannelModel } from 'amqplib';
import type { DriverSettings, Enrolment, Registry } from '@waggle/messaging';
import type { RabbitMqOptions } from './rabbitmq-dial.ts';
import type { Names } from './rabbitmq-names.ts';
import type { Pumped } from './rabbitmq-pump.ts';

/**
 * Two connections of the client library, while they last, with all that is the same wherever they are used. A server that runs
 * out of memory or disk hears nothing any more from whoever publishes, not even acknowledgements.
 */
export interface Session {
  /** For what declares and consumes. Nothing is published on it. */
  readonly model: ChannelModel;
  /** For what publishes, markers in a log included. */
  readonly writing: ChannelModel;
  /** Aborts when one has ended, from whichever side, or is about to: the library throws at what is sent then. */
  readonly gone: AbortSignal;
  /** Never rejects. */
  close(): Promise<void>;
  readonly settings: DriverSettings;
  readonly options: RabbitMqOptions;
  readonly names: Names;
  readonly known: Known;
  readonly registry: Registry;
}

/** What this process knows, whatever becomes of its connections. */
export interface Known {
  /** What this process declared, by what the names of the queues begin with. */
  readonly enrolled: Map<string, Enrolment>;
  /** Groups that do not begin at "new". */
  readonly pumped: Map<string, Pumped>;
  /** How many messages of a queue this process holds, and how many retries it put off that are not due yet. */
  readonly unsettled: Map<string, number>;
}

export function countUnsettled({ unsettled }: Known, queue: string, more: number): void {
  unsettled.set(queue, (unsettled.get(queue) ?? 0) + more);
}
