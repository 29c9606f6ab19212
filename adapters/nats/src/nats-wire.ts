import { checkGroup, checkName, MessagingError } from '@waggle/kernel';
import type { IncomingMessage, Lane, OutgoingMessage } from '@waggle/messaging';
import { MsgHdrsImpl, type Msg, type MsgHdrs } from 'nats';

/**
 * What Waggle looks like on a NATS server: names, subjects and headers. Foreign clients rely on this file's format;
 * the README describes it. No name of Waggle's contains `_`, so `_` joins names where NATS refuses dots.
 */

/** A stream on the server, and the subject below which it captures. */
export interface Place {
  readonly stream: string;
  readonly root: string;
}

/** One durable consumer on the server: one lane of a group or queue, or all of a group that wants no order. */
export interface Line {
  readonly stream: string;
  readonly durable: string;
  readonly filter: string;
  /** At most one message is unsettled at a time. */
  readonly ordered: boolean;
}

export const eventsPlace = (ns: string): Place => ({ stream: `${ns}_evt`, root: `${ns}.evt` });
export const deadPlace = (ns: string): Place => ({ stream: `${ns}_dead`, root: `${ns}.dead` });

/** @throws MessagingError `invalid` */
export function queuePlace(ns: string, context: string): Place {
  checkName('queue', context);
  return { stream: `${ns}_cmd_${context}`, root: `${ns}.cmd.${context}` };
}

/** Every lane, the one without order last. */
export function allLanes(lanes: number): readonly Lane[] {
  return [...Array(lanes).keys(), 'unordered'];
}

/** The durables of a group. @throws MessagingError `invalid` */
export function groupLines(
  ns: string,
  lanes: number,
  group: string,
  ordering: 'by-key' | 'none',
): readonly Line[] {
  checkGroup(group);
  const { stream, root } = eventsPlace(ns);
  const name = group.replace('.', '_');
  if (ordering === 'none') return [{ stream, durable: `${name}_all`, filter: `${root}.>`, ordered: false }];
  return allLanes(lanes).map((lane) => laneLine({ stream, root }, `${name}_${lane}`, lane));
}

/** The durables of a queue. @throws MessagingError `invalid` */
export function queueLines(ns: string, lanes: number, context: string): readonly Line[] {
  const place = queuePlace(ns, context);
  return allLanes(lanes).map((lane) => laneLine(place, `lane_${lane}`, lane));
}

function laneLine({ stream, root }: Place, durable: string, lane: Lane): Line {
  return { stream, durable, filter: `${root}.${lane}.>`, ordered: lane !== 'unordered' };
}

/** A redrive is for one group alone: it travels in the lane it would have had, marked with the group. */
const GROUP_MARK = '@';
const TYPE = /^(?!@)[^\s.*>\u0000-\u0020\u007f-\uffff]+(\.[^\s.*>\u0000-\u0020\u007f-\uffff]+)*$/;

/** Where a message is published. @throws MessagingError `invalid` */
export function subjectOf(ns: string, lanes: number, { to, lane, type }: OutgoingMessage): string {
  if (to.kind === 'dead-letters') return deadPlace(ns).root;
  if (!TYPE.test(type)) throw invalid(`the type ${JSON.stringify(type)} cannot be part of a subject`);
  if (lane !== 'unordered' && !(Number.isInteger(lane) && lane >= 0 && lane < lanes)) {
    throw invalid(`there is no lane ${lane}: there are ${lanes}`);
  }
  if (to.kind === 'stream') return `${ns}.evt.${lane}.${type}`;
  if (to.kind === 'queue') return `${queuePlace(ns, to.context).root}.${lane}.${type}`;
  checkGroup(to.group);
  return `${ns}.evt.${lane}.${GROUP_MARK}${to.group}.${type}`;
}

export interface Address {
  readonly lane: Lane;
  /** Of a redrive: the only group that it is for. */
  readonly group: string | undefined;
  readonly type: string | undefined;
}

const LANE = /^[0-9]+$/;

/** The inverse of `subjectOf`, also for what foreign producers made of it. */
export function parseSubject(root: string, subject: string): Address {
  const start = root.length + 1;
  const dot = subject.indexOf('.', start);
  const token = dot < 0 ? subject.slice(start) : subject.slice(start, dot);
  const lane = LANE.test(token) ? Number(token) : 'unordered';
  const rest = dot < 0 ? '' : subject.slice(dot + 1);
  if (!rest.startsWith(GROUP_MARK)) return { lane, group: undefined, type: rest === '' ? undefined : rest };
  const [service = '', handler = '', ...type] = rest.slice(GROUP_MARK.length).split('.');
  return { lane, group: `${service}.${handler}`, type: type.length === 0 ? undefined : type.join('.') };
}

/** Not carried by the subject of a dead letter. */
const TYPE_HEADER = 'waggle-type';
/** Names the headers whose values are percent-encoded because NATS would trim or break them. */
const ENCODED_HEADER = 'waggle-encoded';
const RESERVED: ReadonlySet<string> = new Set(['content-type', TYPE_HEADER, ENCODED_HEADER]);
const HEADER_NAME = /^[a-z0-9-]+$/;
/** What every NATS client carries as it is: printable ASCII, no space at either end. */
const PLAIN = /^([!-~]([ -~]*[!-~])?)?$/;
const NEEDS_PERCENT = /[^!-~]+|["%]/g;

/** Headers whose bytes are ready: the client's own list of headers validates and searches for each of them. */
class ReadyHeaders extends MsgHdrsImpl {
  readonly #text: string;
  constructor(text: string) {
    super();
    this.#text = text;
  }
  override encode(): Uint8Array {
    return encoder.encode(this.#text);
  }
}
const encoder = new TextEncoder();

/** The headers of a message on the wire. `id` is what the server drops duplicates by. @throws MessagingError `invalid` */
export function encodeHeaders(message: OutgoingMessage, id: string): MsgHdrs {
  let text = 'NATS/1.0\r\n';
  const encoded: string[] = [];
  const add = (name: string, value: string): void => {
    if (PLAIN.test(value)) text += `${name}: ${value}\r\n`;
    else {
      encoded.push(name.toLowerCase());
      text += `${name}: ${percentEncode(name, value)}\r\n`;
    }
  };
  add('Nats-Msg-Id', id);
  add('Content-Type', message.contentType);
  if (message.to.kind === 'dead-letters') add(TYPE_HEADER, message.type);
  for (const name in message.headers) {
    const value = message.headers[name] ?? '';
    if (!HEADER_NAME.test(name)) throw invalid(`the header name ${JSON.stringify(name)} is not [a-z0-9-]`);
    if (RESERVED.has(name) || name.startsWith('nats-'))
      throw invalid(`the header "${name}" is reserved: rename it`);
    if (name.startsWith('ce-')) text += `${name}: ${percentEncode(name, value)}\r\n`;
    else add(name, value);
  }
  if (encoded.length > 0) text += `${ENCODED_HEADER}: ${encoded.join(',')}\r\n`;
  return new ReadyHeaders(`${text}\r\n`);
}

/** As the CloudEvents binding for NATS, 3.1.3.2, has it. */
function percentEncode(name: string, value: string): string {
  try {
    return value.replace(NEEDS_PERCENT, encodeURIComponent);
  } catch {
    throw invalid(`the header "${name}" has half a surrogate pair, which no text encoding carries`);
  }
}

function percentDecode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Older versions of the binding allowed double-quoted values. */
function unquote(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1).replace(/\\(.)/g, '$1')
    : value;
}

/** A redrive needs an id of its own, or the server drops it as a duplicate of what it redrives. */
export const redriveId = (id: string, unique: string): string => `${id}${GROUP_MARK}${unique}`;

/** A message as it came; whatever needs the headers is computed when it is first asked for. */
export class NatsMessage implements IncomingMessage {
  readonly #msg: Msg;
  readonly #address: Address;
  #all: ReadonlyMap<string, string> | undefined;
  #headers: Readonly<Record<string, string>> | undefined;

  constructor(msg: Msg, address: Address) {
    this.#msg = msg;
    this.#address = address;
  }
  get type(): string | undefined {
    return this.#address.type ?? this.#read().get(TYPE_HEADER);
  }
  get id(): string | undefined {
    const id = this.#read().get('nats-msg-id');
    if (id === undefined || this.#address.group === undefined) return id;
    const mark = id.lastIndexOf(GROUP_MARK);
    return mark < 0 ? id : id.slice(0, mark);
  }
  get contentType(): string | undefined {
    return this.#read().get('content-type');
  }
  get headers(): Readonly<Record<string, string>> {
    this.#headers ??= Object.fromEntries(
      [...this.#read()].filter(([name]) => !RESERVED.has(name) && !name.startsWith('nats-')),
    );
    return this.#headers;
  }
  get body(): Uint8Array {
    return this.#msg.data;
  }
  #read(): ReadonlyMap<string, string> {
    this.#all ??= decodeHeaders(this.#msg.headers);
    return this.#all;
  }
}

function decodeHeaders(headers: MsgHdrs | undefined): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const [key, [value = '']] of headers ?? []) {
    const name = key.toLowerCase();
    if (!all.has(name)) all.set(name, name.startsWith('ce-') ? percentDecode(unquote(value)) : value);
  }
  for (const name of all.get(ENCODED_HEADER)?.split(',') ?? []) {
    const value = all.get(name);
    if (value !== undefined) all.set(name, percentDecode(value));
  }
  return all;
}

/** What the reply subject of a delivery says: `$JS.ACK.…` with 9 tokens, or with domain and account 11 or more. */
export interface Receipt {
  readonly durable: string;
  readonly attempt: number;
  readonly streamSeq: number;
  readonly deliverySeq: number;
}

/** `undefined` if `reply` is not that of a delivery. */
export function parseReceipt(reply: string | undefined): Receipt | undefined {
  if (reply === undefined || !reply.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  const at = tokens.length === 9 ? 3 : 5;
  return {
    durable: tokens[at] ?? '',
    attempt: Number(tokens[at + 1]),
    streamSeq: Number(tokens[at + 2]),
    deliverySeq: Number(tokens[at + 3]),
  };
}

function invalid(what: string): MessagingError {
  return new MessagingError('invalid', `[nats] ${what}`);
}
