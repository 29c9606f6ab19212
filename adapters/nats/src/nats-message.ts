import { STRUCTURED, type IncomingMessage, type OutgoingMessage, type Settlement } from '@waggle/messaging';
import { MsgHdrsImpl, nanos, type Msg, type MsgHdrs } from 'nats';
import { fail } from './nats-errors.ts';
import type { Address } from './nats-names.ts';

/**
 * What Waggle's messages look like on a NATS server, and what is said of a delivery. Foreign clients rely on the headers;
 * the README describes them.
 */

/** A redrive needs an id of its own, or the server drops it as a duplicate of what it redrives. */
export const redriveId = (id: string, unique: string): string => `${id}@${unique}`;
const REDRIVE = /@[^@]*$/;

/** Not carried by the subject of a dead letter. */
const TYPE_HEADER = 'waggle-type';
/** Names the headers whose values are percent-encoded because NATS would trim or break them. */
const ENCODED_HEADER = 'waggle-encoded';
/** What a message cannot bring as a header of its own. */
export const RESERVED = /^(nats-.*|content-type|waggle-type|waggle-encoded)$/;
/** What every NATS client carries as it is: printable ASCII, no space at either end. */
const PLAIN = /^([!-~]([ -~]*[!-~])?)?$/;
const NEEDS_PERCENT = /[^!-~]+|["%]/g;

const STRUCTURED_LINE = Buffer.from(`\r\nContent-Type: ${STRUCTURED}\r\n`);

const encoder = new TextEncoder();

/** The headers of a message on the wire. `id` is what the server drops duplicates by. @throws MessagingError `invalid` */
export function encodeHeaders(message: OutgoingMessage, id: string): MsgHdrs {
  let text = 'NATS/1.0\r\n';
  const encoded: string[] = [];
  const add = (name: string, value: string): void => {
    const isPlain = PLAIN.test(value);
    if (!isPlain) encoded.push(name.toLowerCase());
    text += `${name}: ${isPlain ? value : percentEncode(name, value)}\r\n`;
  };
  add('Nats-Msg-Id', id);
  add('Content-Type', message.contentType);
  if (message.to.kind === 'dead-letters') add(TYPE_HEADER, message.type);
  for (const name in message.headers) {
    const value = message.headers[name] ?? '';
    if (name.startsWith('ce-')) text += `${name}: ${percentEncode(name, value)}\r\n`;
    else add(name, value);
  }
  if (encoded.length > 0) text += `${ENCODED_HEADER}: ${encoded.join(',')}\r\n`;
  // The client's own way of collecting headers validates and searches for each of them.
  const ready = new MsgHdrsImpl();
  ready.encode = () => encoder.encode(`${text}\r\n`);
  return ready;
}

/** As the CloudEvents binding for NATS, 3.1.3.2, has it. */
function percentEncode(name: string, value: string): string {
  try {
    return value.replace(NEEDS_PERCENT, encodeURIComponent);
  } catch {
    throw fail('invalid', `the header "${name}" has half a surrogate pair, which no text encoding carries`);
  }
}

/** What is not percent-encoded stays as it is. */
export function percentDecode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Older versions of the binding allowed double-quoted values. */
function unquote(value: string): string {
  return /^".*"$/s.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
}

/** A message of the client, with what its types do not tell, and another version may not have: the bytes as they came. */
type RawMessage = Pick<Msg, 'data'> & {
  readonly headers?: MsgHdrs | undefined;
  readonly _rdata?: Uint8Array;
  readonly _msg?: { readonly hdr: number };
};

/** A message as it came; whatever needs the headers is computed when it is first asked for. */
export class NatsMessage implements IncomingMessage {
  readonly body: Uint8Array;
  readonly #raw: RawMessage;
  readonly #address: Address;
  #all: ReadonlyMap<string, string> | undefined;
  #headers: Readonly<Record<string, string>> | undefined;

  constructor(raw: RawMessage, address: Address) {
    this.body = raw.data;
    this.#raw = raw;
    this.#address = address;
  }
  get type(): string | undefined {
    return this.#address.type ?? this.#read().get(TYPE_HEADER);
  }
  get id(): string | undefined {
    const id = this.#read().get('nats-msg-id');
    return this.#address.group === undefined ? id : id?.replace(REDRIVE, '');
  }
  get contentType(): string | undefined {
    return isStructured(this.#raw) ? STRUCTURED : this.#read().get('content-type');
  }
  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= Object.fromEntries([...this.#read()].filter(([name]) => !RESERVED.test(name))));
  }
  #read(): ReadonlyMap<string, string> {
    return (this.#all ??= decodeHeaders(this.#raw));
  }
}

/** Whether it says so in the words that our own publisher uses: then nothing else has to be decoded to handle it. */
function isStructured({ _rdata: raw, _msg: parsed }: RawMessage): boolean {
  return raw !== undefined && parsed !== undefined && bytesOf(raw, parsed.hdr).includes(STRUCTURED_LINE);
}

const bytesOf = (raw: Uint8Array, end: number): Buffer =>
  Buffer.from(raw.buffer, raw.byteOffset, Math.max(0, end));

function decodeHeaders(message: RawMessage): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of headersOf(message)) {
    const name = key.toLowerCase();
    if (!all.has(name)) all.set(name, name.startsWith('ce-') ? percentDecode(unquote(value)) : value);
  }
  for (const name of all.get(ENCODED_HEADER)?.split(',') ?? []) {
    all.set(name, percentDecode(all.get(name) ?? ''));
  }
  return all;
}

/** In the order in which they stand there. The client's own reading validates each, and costs five times as much. */
function headersOf(message: RawMessage): readonly (readonly [string, string])[] {
  const { _rdata: raw, _msg: parsed } = message;
  if (raw === undefined || parsed === undefined) {
    return [...(message.headers ?? [])].map(([name, [value = '']]) => [name, value] as const);
  }
  const headers: [string, string][] = [];
  for (const line of bytesOf(raw, parsed.hdr).toString().split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  return headers;
}

/** What the reply subject of a delivery says: `$JS.ACK.…` with 9 tokens, or with domain and account 11 or more. */
export function parseReceipt(reply: string) {
  const tokens = reply.split('.');
  const at = tokens.length === 9 ? 3 : 5;
  return { durable: tokens[at] ?? '', attempt: Number(tokens[at + 1]), position: Number(tokens[at + 2]) };
}

export const ACK = encoder.encode('+ACK');
export const NAK = encoder.encode('-NAK');
/** Begins the lease of a delivery again. */
export const WORKING = encoder.encode('+WPI');

export function payloadOf(settlement: Settlement): Uint8Array {
  if (settlement.kind === 'ack') return ACK;
  if (settlement.kind === 'release' || settlement.delayMs <= 0) return NAK;
  return encoder.encode(`-NAK {"delay":${nanos(Math.ceil(settlement.delayMs))}}`);
}
