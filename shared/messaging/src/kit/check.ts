import { checkGroup, checkName, checkTypePattern, matchesType, MessagingError } from '@waggle/kernel';
import type { ConsumeOptions, DriverSettings, OutgoingMessage, Topology } from '../driver.ts';
import type { Connector, Outcome } from './connection.ts';
import { nameOf } from './source.ts';

const HEADER_NAME = /^[a-z0-9-]+$/;
const RESERVED = /^waggle-/;

/** What is wrong with a message whatever the broker; `undefined` when nothing is. */
export function faultOf(
  message: OutgoingMessage,
  { lanes, maxMessageBytes }: DriverSettings,
  { name, reservedHeaders }: Connector,
): Outcome {
  const { lane, headers, body } = message;
  const invalid = (what: string): MessagingError =>
    new MessagingError('invalid', `[${name}] message ${message.id} ${what}`);
  if (lane !== 'unordered' && !(Number.isInteger(lane) && lane >= 0 && lane < lanes)) {
    return invalid(`is for lane ${lane}: there are lanes 0 to ${lanes - 1} and "unordered"`);
  }
  for (const header in headers) {
    if (!HEADER_NAME.test(header)) {
      return invalid(`has a header named ${JSON.stringify(header)}: use a-z, 0-9 and dashes`);
    }
    if (RESERVED.test(header) || reservedHeaders?.test(header) === true) {
      return invalid(`has a header named "${header}", which is reserved: rename it`);
    }
    if (typeof headers[header] !== 'string') return invalid(`has a header "${header}" that is not text`);
  }
  if (body.byteLength <= maxMessageBytes) return undefined;
  const size = `has ${body.byteLength} bytes: at most ${maxMessageBytes} are allowed`;
  return new MessagingError('too-large', `[${name}] message ${message.id} ${size}`);
}

/** @throws MessagingError `invalid` */
export function checkTopology(
  { queues = [], groups = [], absent = [] }: Topology,
  { topology }: DriverSettings,
): void {
  if (topology === 'bind' && absent.length > 0) {
    const names = absent.map(nameOf);
    const what = `${names.join(', ')} cannot be removed by a process that only binds`;
    throw new MessagingError('invalid', `${what}: do it with the topology "declare"`);
  }
  for (const context of queues) checkName('queue', context);
  for (const source of absent) {
    if (source.kind === 'group') checkGroup(source.group);
    else checkName('queue', source.context);
  }
  for (const { group, types } of groups) {
    checkGroup(group);
    for (const type of types) checkTypePattern(type);
    if (types.length === 0) throw new MessagingError('invalid', `group ${group} asks for no types: name one`);
  }
}

/**
 * What a process that only binds asks for, against what its owner declared, value by value; of `types` all that are asked
 * for have to be among those that exist. Returns what exists. @throws MessagingError `unroutable`, `conflict`
 */
export function checkDeclared<Declared extends object>(
  broker: string,
  resource: string,
  exists: Declared | undefined,
  asked: Partial<Declared>,
): Declared {
  if (exists === undefined) {
    const advice = 'declare it first';
    throw new MessagingError('unroutable', `[${broker}] ${resource} was never declared: ${advice}`);
  }
  const values = new Map<string, unknown>(Object.entries(exists));
  for (const [what, wants] of Object.entries(asked)) {
    const has = values.get(what);
    if (what === 'types' ? isAmong(has, wants) : has === wants) continue;
    const difference = `${resource} exists with ${what} "${textOf(has)}", and this process asks for "${textOf(wants)}"`;
    const advice = 'use the same settings everywhere, or another name';
    throw new MessagingError('conflict', `[${broker}] ${difference}: ${advice}`);
  }
  return exists;
}

const textOf = (value: unknown): string => (Array.isArray(value) ? value.join(' ') : String(value));

function isAmong(types: unknown, wanted: unknown): boolean {
  const all = Array.isArray(types) ? types.map(String) : [];
  return Array.isArray(wanted) && wanted.every((type) => all.some((own) => matchesType(own, String(type))));
}

/** @throws MessagingError `invalid` */
export function checkConsume({ concurrency }: ConsumeOptions): void {
  refuseUnless(Number.isSafeInteger(concurrency) && concurrency > 0, 'concurrency', concurrency);
}

/** @throws MessagingError `invalid` */
export function checkSettings({ namespace, lanes, retention, ...settings }: DriverSettings): void {
  checkName('namespace', namespace);
  refuseUnless(Number.isInteger(lanes) && lanes > 0, 'lanes', lanes);
  const { maxMessageBytes, requestTimeoutMs, leaseMs } = settings;
  const positive = { ...retention, maxMessageBytes, requestTimeoutMs, leaseMs };
  for (const [name, value] of Object.entries(positive)) refuseUnless(value > 0, name, value);
}

function refuseUnless(ok: boolean, name: string, got: unknown): void {
  if (!ok) throw new MessagingError('invalid', `${name} is ${String(got)}: give a number from 1`);
}
