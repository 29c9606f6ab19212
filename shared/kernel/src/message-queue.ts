import type { CloudEvent } from './cloud-event.ts';
import type { Consumer, ConsumerOptions, Handler } from './consumer.ts';

/** What the one group that handles a context's commands asks for. */
export interface Receiving extends ConsumerOptions {
  /** The context whose commands these are: `parcels`. Its queue has the same name. */
  readonly context: string;
  /** The types with a handler. Others in the queue are dead letters: nobody else would handle them. @default all */
  readonly types?: readonly string[];
}

/** Work for one group, kept until it is done. The queue of a command is its context; commands with a key keep their order. */
export interface MessageQueue {
  /** Makes sure that the queue exists, so that what is sent before its receiver first runs is kept. Idempotent. */
  declare(context: string): Promise<void>;
  /**
   * Resolves once every command is durably held by the broker. Business code sends through its unit of work.
   * @throws MessagingError with `failed`; `unroutable` where no queue was declared
   */
  send(...commands: readonly CloudEvent[]): Promise<void>;
  /** Joins the group; declares the queue if need be. Resolves once attached. @throws MessagingError */
  receive(options: Receiving, handler: Handler): Promise<Consumer>;
}
