import type { CloudEvent, ExtensionValue } from '@waggle/kernel';
import { MessagingError, messageOf, parseMessageType } from '@waggle/kernel';
import type { IncomingMessage } from './driver.ts';
import { expiryOf } from './expiry.ts';

export const STRUCTURED = 'application/cloudevents+json';

const REQUIRED = ['id', 'source', 'type'] as const;
const OPTIONAL = [
  'time',
  'expirytime',
  'subject',
  'datacontenttype',
  'dataschema',
  'partitionkey',
  'correlationid',
  'causationid',
  'traceparent',
  'tracestate',
] as const;
const TAKEN: ReadonlySet<string> = new Set(['specversion', ...REQUIRED, ...OPTIONAL, 'data', 'data_base64']);
const EXTENSION_NAME = /^[a-z0-9]{1,20}$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const HEADER_PREFIX = 'ce-';

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Writes the structured JSON mode of CloudEvents 1.0 (JSON Event Format, section 3). Binary data goes to `data_base64`.
 * @throws MessagingError `invalid` for what the format, or our naming, does not allow
 */
export function encode(message: CloudEvent): Uint8Array {
  parseMessageType(message.type);
  const { data, extensions, ...attributes } = message;
  for (const name of ['id', 'source'] as const) {
    if (attributes[name] === '')
      throw new MessagingError('invalid', `${message.type}: ${name} is empty: give it a value`);
  }
  if (Number.isNaN(expiryOf(attributes))) {
    const got = JSON.stringify(attributes.expirytime);
    throw new MessagingError('invalid', `${message.type}: expirytime is ${got}: write a time as in RFC 3339`);
  }
  if (extensions !== undefined) checkExtensions(message.type, extensions);
  const payload =
    data instanceof Uint8Array
      ? { data_base64: Buffer.from(data).toString('base64') }
      : { data: data ?? null };
  try {
    return utf8.encode(JSON.stringify({ ...attributes, ...extensions, ...payload }));
  } catch (error) {
    throw new MessagingError('invalid', `${message.type}: JSON cannot carry its data: ${messageOf(error)}`);
  }
}

function checkExtensions(type: string, extensions: Readonly<Record<string, ExtensionValue>>): void {
  for (const name of Object.keys(extensions)) {
    if (TAKEN.has(name) || !EXTENSION_NAME.test(name)) {
      const why = TAKEN.has(name) ? 'is reserved' : 'is not 1 to 20 lower-case letters or digits';
      throw new MessagingError(
        'invalid',
        `${type}: the extension attribute "${name}" ${why}: choose another name`,
      );
    }
  }
}

/** Input that is not a CloudEvent; the message says why. */
export class Undecodable extends Error {
  override readonly name = 'Undecodable';
}

/** Reads structured and binary mode. @throws Undecodable */
export function decode(message: IncomingMessage): CloudEvent {
  const contentType = (message.contentType ?? '').toLowerCase();
  if (contentType.startsWith(STRUCTURED)) return decodeStructured(message.body);
  if (message.headers[`${HEADER_PREFIX}specversion`] !== undefined) return decodeBinary(message, contentType);
  throw new Undecodable(
    `neither structured mode (content type ${STRUCTURED}) nor binary mode (attribute headers): the content type is "${message.contentType ?? ''}"`,
  );
}

function decodeStructured(body: Uint8Array): CloudEvent {
  const parsed = parseJson(body);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new Undecodable('not a JSON object');
  const { data, data_base64: base64, ...attributes } = parsed as Record<string, unknown>;
  if (base64 === undefined) return assemble(attributes, data);
  if (typeof base64 !== 'string') throw new Undecodable('data_base64 is not a string');
  if (!BASE64.test(base64)) throw new Undecodable('data_base64 is not base64');
  if (data !== undefined) throw new Undecodable('both data and data_base64: only one of them may be there');
  return assemble(attributes, new Uint8Array(Buffer.from(base64, 'base64')));
}

function decodeBinary(message: IncomingMessage, contentType: string): CloudEvent {
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (name.startsWith(HEADER_PREFIX)) attributes[name.slice(HEADER_PREFIX.length)] = value;
  }
  if (contentType !== '') attributes['datacontenttype'] = message.contentType;
  const isJson = contentType === '' || /^[^;]*[/+]json\s*(;|$)/.test(contentType);
  return assemble(attributes, isJson ? parseJson(message.body) : message.body);
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(strictUtf8.decode(body));
  } catch (error) {
    throw new Undecodable(`not JSON in UTF-8: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function assemble(attributes: Record<string, unknown>, data: unknown): CloudEvent {
  if (attributes['specversion'] !== '1.0') {
    throw new Undecodable(
      `specversion is ${JSON.stringify(attributes['specversion'])}: only "1.0" is understood`,
    );
  }
  for (const name of REQUIRED) {
    const value = attributes[name];
    if (typeof value !== 'string' || value === '') throw new Undecodable(`the attribute ${name} is missing`);
  }
  for (const name of OPTIONAL) {
    const value = attributes[name];
    if (value === null) delete attributes[name];
    else if (value !== undefined && typeof value !== 'string')
      throw new Undecodable(`the attribute ${name} is not a string`);
  }
  const extensions = takeExtensions(attributes);
  return { ...attributes, ...(extensions && { extensions }), data } as CloudEvent;
}

function takeExtensions(attributes: Record<string, unknown>): Record<string, ExtensionValue> | undefined {
  let extensions: Record<string, ExtensionValue> | undefined;
  for (const name of Object.keys(attributes)) {
    if (TAKEN.has(name)) continue;
    const value = attributes[name];
    delete attributes[name];
    if (value === null) continue;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw new Undecodable(`the extension attribute ${name} is not a string, a number or a boolean`);
    }
    extensions ??= {};
    extensions[name] = value;
  }
  return extensions;
}
