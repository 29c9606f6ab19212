import type { CloudEvent } from './cloud-event.ts';

export type MessageKind = 'event' | 'command';

declare const declared: unique symbol;

/**
 * A message that was declared but not sent yet: the unit of work gives it its id, time, source and trace. Only a contract
 * makes one: an object that looks like it does not compile.
 */
export interface NewMessage<
  Kind extends MessageKind = MessageKind,
  Type extends string = string,
  Data = unknown,
> {
  readonly kind: Kind;
  readonly type: Type;
  readonly data: Data;
  /** Messages with the same key keep their order. Without one there is no order. */
  readonly key?: string;
  /** Of a command: not handled once so much time has passed since it was created. Without one it never expires. */
  readonly timeToLiveMs?: number;
  /** For the compiler alone: only what `defineEvent` or `defineCommand` made (`shared/contracts`) can make a message. */
  readonly [declared]: true;
}

/** How a contract makes its messages; for whoever defines contracts, and for nobody else. */
export function declaredMessage<Kind extends MessageKind, Type extends string, Data>(
  message: Omit<NewMessage<Kind, Type, Data>, typeof declared>,
): NewMessage<Kind, Type, Data> {
  return message as NewMessage<Kind, Type, Data>;
}

export type NewEvent = NewMessage<'event'>;
export type NewCommand = NewMessage<'command'>;

/** What can be known of a contract without knowing the type of its data. */
export interface AnyContract {
  readonly kind: MessageKind;
  readonly type: string;
  readonly description: string;
  /** Valid data, for documents and tests. */
  readonly example: unknown;
  /** What is wrong with `data`, in a sentence a person can act on; `undefined` when nothing is. */
  check(data: unknown): string | undefined;
  /** The version whose place it took, and how data of that one becomes its own. */
  readonly replaces?: { readonly type: string; up(data: unknown): unknown } | undefined;
  /** JSON Schema (2020-12) of the data. */
  jsonSchema(): Readonly<Record<string, unknown>>;
}

/**
 * An event or a command, declared once for everybody. Calling it makes a message:
 * `tx.publish(orderPlaced({ orderId, ... }))`. What was not declared, or has another shape, does not compile.
 */
export interface MessageContract<Kind extends MessageKind, Type extends string, Data> extends AnyContract {
  (data: Data): NewMessage<Kind, Type, Data>;
  readonly kind: Kind;
  readonly type: Type;
  readonly example: Data;
}

export type EventContract<Type extends string, Data> = MessageContract<'event', Type, Data>;
export type CommandContract<Type extends string, Data> = MessageContract<'command', Type, Data>;

/** The message as a handler of this contract sees it; of several contracts, any of theirs. */
export type MessageOf<Contract extends AnyContract> = Contract extends {
  readonly type: infer Type extends string;
  readonly example: infer Data;
}
  ? CloudEvent<Type, Data>
  : never;

/** Finds the contract of a type; how the portable layer checks schemas without knowing them. */
export interface Contracts {
  find(type: string): Pick<AnyContract, 'kind' | 'check'> | undefined;
  /** The contract that took the place of this one, and how its data becomes that of the other. @default none did */
  successor?(type: string): { readonly type: string; up(data: unknown): unknown } | undefined;
  /** The types whose place this one took, in any number of steps. @default none */
  predecessors?(type: string): readonly string[];
}
