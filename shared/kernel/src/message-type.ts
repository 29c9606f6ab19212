import { MessagingError } from './errors.ts';

const NAME = '[a-z][a-z0-9-]*';
const TYPE = new RegExp(`^(${NAME})\\.(${NAME})\\.v([1-9][0-9]*)$`);
const PATTERN = new RegExp(`^(\\*|${NAME}\\.\\*)$`);
const NAME_ONLY = new RegExp(`^${NAME}$`);

/** Long enough for every sensible name, short enough for every broker once it is escaped and prefixed. */
const MAX_LENGTH = 120;

/** The parts of a message type. */
export interface MessageType {
  readonly context: string;
  readonly name: string;
  readonly major: number;
}

/** Takes `<context>.<past-tense-or-verb>.v<major>` apart. @throws MessagingError `invalid` */
export function parseMessageType(type: string): MessageType {
  const parts = type.length > MAX_LENGTH ? null : TYPE.exec(type);
  if (parts === null) {
    throw new MessagingError(
      'invalid',
      `"${type.slice(0, MAX_LENGTH)}" is not a message type: write <context>.<name>.v<major> in lower case, at most ${MAX_LENGTH} characters`,
    );
  }
  return { context: parts[1] ?? '', name: parts[2] ?? '', major: Number(parts[3]) };
}

/** The context, and so the queue, of a message type. */
export function contextOf(type: string): string {
  return parseMessageType(type).context;
}

/** Checks what a subscription asks for: a type, `<context>.*` or `*`. @throws MessagingError `invalid` */
export function checkTypePattern(pattern: string): void {
  if (!PATTERN.test(pattern)) parseMessageType(pattern);
}

/** Whether `type` is what `pattern` asks for. */
export function matchesType(pattern: string, type: string): boolean {
  if (pattern === '*' || pattern === type) return true;
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1));
}

/** Checks the name of a namespace, a context, a service or a handler. @throws MessagingError `invalid` */
export function checkName(what: string, name: string): void {
  if (name.length > MAX_LENGTH || !NAME_ONLY.test(name)) {
    throw new MessagingError(
      'invalid',
      `"${name.slice(0, MAX_LENGTH)}" cannot name a ${what}: use lower-case letters, digits and dashes, starting with a letter`,
    );
  }
}

/** The consumer group of a handler: `<service>.<handler>`. Derived, so that two services cannot share one by mistake. */
export function groupName(service: string, handler: string): string {
  checkName('service', service);
  checkName('handler', handler);
  return `${service}.${handler}`;
}

/** Checks `<service>.<handler>`. @throws MessagingError `invalid` */
export function checkGroup(group: string): void {
  const [service = '', handler = '', ...rest] = group.split('.');
  if (rest.length > 0)
    throw new MessagingError('invalid', `"${group}" is not a group: write <service>.<handler>`);
  groupName(service, handler);
}
