import { AsyncLocalStorage } from 'node:async_hooks';
import type { CloudEvent } from '@waggle/kernel';
import { childTraceparent, parseTraceparent } from './trace-context.ts';

/** What set the running code in motion; new messages and log lines inherit from it. */
export interface MessageContext {
  readonly correlationId?: string | undefined;
  /** The message being handled. */
  readonly causationId?: string | undefined;
  /** The span of this handling. */
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

const storage = new AsyncLocalStorage<MessageContext>();

/** The context that the running code was started in, across `await`. */
export function currentMessageContext(): MessageContext | undefined {
  return storage.getStore();
}

/** Runs `work`, and all that it awaits, in `context`. */
export function inMessageContext<Result>(context: MessageContext, work: () => Result): Result {
  return storage.run(context, work);
}

/** The context of handling `message`. The span is made when it is first asked for: most handlings never do. */
export function contextOfHandling(
  message: CloudEvent,
  transportTraceparent: () => string | undefined,
): MessageContext {
  return new Handling(message, transportTraceparent);
}

class Handling implements MessageContext {
  readonly #message: CloudEvent;
  readonly #transportTraceparent: () => string | undefined;
  #span: string | undefined;

  constructor(message: CloudEvent, transportTraceparent: () => string | undefined) {
    this.#message = message;
    this.#transportTraceparent = transportTraceparent;
  }

  get correlationId(): string {
    return this.#message.correlationid ?? this.#message.id;
  }
  get causationId(): string {
    return this.#message.id;
  }
  get tracestate(): string | undefined {
    return parseTraceparent(this.#message.traceparent) && this.#message.tracestate;
  }
  get traceparent(): string {
    return (this.#span ??= childTraceparent(this.#message.traceparent ?? this.#transportTraceparent()));
  }
}
