import { checkGroup, checkName, checkTypePattern, MessagingError } from '@waggle/kernel';
import type { ConsumeOptions, DriverSettings, OutgoingMessage, Topology } from '../driver.ts';
import type { Connector, Outcome } from './connection.ts';

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
    const names = absent.map((source) => (source.kind === 'group' ? source.group : source.context));
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
