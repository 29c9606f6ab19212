import type {
  AnyContract,
  CommandContract,
  EventContract,
  MessageContract,
  MessageKind,
} from '@waggle/kernel';
import { declaredMessage, MessagingError, parseMessageType } from '@waggle/kernel';
import { z } from 'zod';

/** What is declared of an event or a command. */
export interface Declaration<Data> {
  /** One sentence for people: when it happens, or what it asks for. */
  readonly description: string;
  readonly schema: z.ZodType<Data>;
  /** Messages with the same key keep their order. @default no order */
  readonly key?: (data: Data) => string;
  /** Valid data: shown in documents, sent by tests. */
  readonly example: NoInfer<Data>;
  /** @default it is the first version */
  readonly replaces?: Replaced<NoInfer<Data>>;
}

/** The version before, whose messages are still about: they reach handlers of the new one in its shape. */
export interface Replaced<Data> {
  readonly contract: AnyContract;
  /** Pure. Data of the one before becomes data of this one. */
  up(data: never): Data;
}

/** Types the data of the version before: `replaces(orderPlacedV1, (data) => ({ ...data, channel: 'web' }))`. */
export function replaces<Before, Data>(
  contract: AnyContract & { readonly example: Before },
  up: (data: Before) => Data,
): Replaced<Data> {
  return { contract, up };
}

/** What is declared of a command as well. */
export interface CommandDeclaration<Data> extends Declaration<Data> {
  /**
   * How long it makes sense to do it, from its creation on: past that it is not handled, and counted. At most a year.
   * @default for ever
   */
  readonly timeToLiveMs?: number;
}

const A_YEAR_MS = 366 * 86_400_000;

/** Declares a fact that services announce. @throws MessagingError `invalid` for a bad type or example */
export function defineEvent<const Type extends string, Data>(
  type: Type,
  declaration: Declaration<Data>,
): EventContract<Type, Data> {
  return define('event', type, declaration);
}

/** Declares a request that one service handles: its context. @throws MessagingError `invalid` for a bad type or example */
export function defineCommand<const Type extends string, Data>(
  type: Type,
  declaration: CommandDeclaration<Data>,
): CommandContract<Type, Data> {
  const { timeToLiveMs = 1 } = declaration;
  if (!Number.isInteger(timeToLiveMs) || timeToLiveMs < 1 || timeToLiveMs > A_YEAR_MS) {
    throw new MessagingError(
      'invalid',
      `${type}: timeToLiveMs is ${timeToLiveMs}: it must be a whole number of milliseconds from 1 to ${A_YEAR_MS}`,
    );
  }
  return define('command', type, declaration);
}

function define<const Kind extends MessageKind, const Type extends string, Data>(
  kind: Kind,
  type: Type,
  { description, schema, key, example, timeToLiveMs, replaces: before }: CommandDeclaration<Data>,
): MessageContract<Kind, Type, Data> {
  parseMessageType(type);

  function check(data: unknown): string | undefined {
    const result = schema.safeParse(data);
    if (result.success) return undefined;
    return result.error.issues
      .map(({ path, message }) => `${['data', ...path].join('.')}: ${message}`)
      .join('; ');
  }

  function create(data: Data) {
    const problem = check(data);
    if (problem !== undefined) throw new MessagingError('invalid', `${type} cannot be sent: ${problem}`);
    return declaredMessage({
      ...{ kind, type, data },
      ...(key !== undefined && { key: key(data) }),
      ...(timeToLiveMs !== undefined && { timeToLiveMs }),
    });
  }

  create(example);
  return Object.assign(create, {
    kind,
    type,
    description,
    example,
    check,
    replaces: before && predecessor(kind, type, before),
    jsonSchema: () => z.toJSONSchema(schema) as Readonly<Record<string, unknown>>,
  });
}

/** @throws MessagingError `invalid` for what cannot have been the version before */
function predecessor<Data>(kind: MessageKind, type: string, { contract, up }: Replaced<Data>) {
  const [before, after] = [parseMessageType(contract.type), parseMessageType(type)];
  const isOlder =
    before.major < after.major && contract.type.replace(/\d+$/, '') === type.replace(/\d+$/, '');
  if (contract.kind !== kind || !isOlder)
    throw new MessagingError(
      'invalid',
      `${type} cannot replace ${contract.type}: name an older version of the same ${kind}`,
    );
  // Sound: what comes here has passed the check of that contract.
  return { type: contract.type, up: (data: unknown) => up(data as never) };
}
