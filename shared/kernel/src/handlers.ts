import type { HandlerContext, RetryPolicy } from './consumer.ts';
import type { CloudEvent } from './cloud-event.ts';
import type { AnyContract, MessageOf } from './contract.ts';
import type { Subscription } from './event-stream.ts';
import { checkName } from './message-type.ts';
import type { Transaction } from './unit-of-work.ts';

/** What a service does with a message. Its only effects go through `tx`; it may run again after a lost race. */
export type MessageHandler<Message> = (
  message: Message,
  tx: Transaction,
  context: HandlerContext,
) => Promise<void>;

export interface HandlerOptions {
  /** Most handlings at one time. @default 16 */
  readonly concurrency?: number;
  readonly retry?: RetryPolicy;
  /** @default 30_000 */
  readonly timeoutMs?: number;
}

export interface EventHandlerOptions
  extends HandlerOptions, Pick<Subscription, 'from' | 'ordering' | 'unhandled' | 'afterDeadLetter'> {}

/** A reaction that a service declares; made with `onEvent` or `onCommand`. */
export interface HandlerDefinition {
  readonly kind: 'event' | 'command';
  /**
   * Of events, with the service's name the consumer group: `<service>.<name>`; renaming it makes another group. Commands are
   * consumed by their context, whatever the handler's name.
   */
  readonly name: string;
  readonly contracts: readonly AnyContract[];
  readonly options: EventHandlerOptions;
  readonly handle: MessageHandler<CloudEvent>;
}

/** Reacts to events. One handler may react to several types; by key they keep their order among each other. */
export function onEvent<const Contract extends AnyContract & { readonly kind: 'event' }>(
  name: string,
  contracts: Contract | readonly Contract[],
  handle: MessageHandler<MessageOf<Contract>>,
  options: EventHandlerOptions = {},
): HandlerDefinition {
  return define('event', name, contracts, handle, options);
}

/** Handles commands of one context. Only one service may. */
export function onCommand<const Contract extends AnyContract & { readonly kind: 'command' }>(
  name: string,
  contracts: Contract | readonly Contract[],
  handle: MessageHandler<MessageOf<Contract>>,
  options: HandlerOptions = {},
): HandlerDefinition {
  return define('command', name, contracts, handle, options);
}

function define<Message>(
  kind: 'event' | 'command',
  name: string,
  contracts: AnyContract | readonly AnyContract[],
  handle: MessageHandler<Message>,
  options: EventHandlerOptions,
): HandlerDefinition {
  checkName('handler', name);
  const all = Array.isArray(contracts) ? contracts : [contracts];
  // Sound: the host calls it only with messages of these types that passed their schema.
  return { kind, name, contracts: all, options, handle: handle as MessageHandler<unknown> };
}
