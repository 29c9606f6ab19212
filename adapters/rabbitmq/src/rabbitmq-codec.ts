import type { Message, Options } from 'amqplib';
import { MessagingError } from '@waggle/kernel';
import type { IncomingMessage, Lane, OutgoingMessage } from '@waggle/messaging';
import { parseLane, parseRoutingKey } from './rabbitmq-names.ts';

/** On copies made for a retry: how many handings over there were before. */
const ATTEMPT = 'waggle-attempt';
/** On messages that go straight to a queue of several lanes: the lane, which the routing key no longer tells. */
const LANE = 'waggle-lane';
/** Type of what only marks a place in a log; readers pass over it. */
export const MARKER_TYPE = 'waggle.marker';

/** Written by the server, or by this driver: neither taken from nor handed to the layer above. */
const RESERVED = new Set([
  ATTEMPT,
  LANE,
  'x-death',
  'x-first-death-exchange',
  'x-first-death-queue',
  'x-first-death-reason',
  'x-last-death-exchange',
  'x-last-death-queue',
  'x-last-death-reason',
  'x-delivery-count',
  'x-acquired-count',
  'x-stream-offset',
]);

const MAX_SHORT_BYTES = 255;
/** A header table must fit into one frame of 128 KiB. */
const MAX_HEADER_BYTES = 100_000;
const HEADER_NAME = /^[a-z0-9-]+$/;

/** What an outgoing message looks like in AMQP. @throws MessagingError `invalid` for what would not arrive exactly */
export function toProperties(message: OutgoingMessage): Options.Publish {
  const properties: Options.Publish = {
    mandatory: true,
    persistent: true,
    messageId: short('id', message.id),
    type: short('type', message.type),
    contentType: short('content type', message.contentType),
  };
  const { hints } = message;
  if (hints?.timeMs !== undefined) properties.timestamp = Math.floor(hints.timeMs / 1000);
  if (hints?.correlationId !== undefined)
    properties.correlationId = short('correlation id', hints.correlationId);

  let bytes = 0;
  for (const [name, value] of Object.entries(message.headers)) {
    if (!HEADER_NAME.test(name))
      refuse(`header name ${JSON.stringify(name)}: use lower-case letters, digits and dashes`);
    if (RESERVED.has(name)) refuse(`header ${name} is reserved`);
    if (!value.isWellFormed()) refuse(`header ${name} holds half a surrogate pair`);
    bytes += short('header name', name).length + Buffer.byteLength(value) + 8;
  }
  if (bytes > MAX_HEADER_BYTES) refuse(`headers of ${bytes} bytes: at most ${MAX_HEADER_BYTES}`);
  if (bytes > 0) properties.headers = message.headers;
  return properties;
}

/** Adds the lane, for a queue that holds several. */
export function withLane(properties: Options.Publish, lane: Lane): Options.Publish {
  if (lane === 'unordered') return properties;
  return { ...properties, headers: { ...properties.headers, [LANE]: String(lane) } };
}

function short(what: string, text: string): string {
  if (Buffer.byteLength(text) > MAX_SHORT_BYTES) refuse(`${what} of more than ${MAX_SHORT_BYTES} bytes`);
  if (!text.isWellFormed()) refuse(`${what} holds half a surrogate pair`);
  return text;
}

function refuse(what: string): never {
  throw new MessagingError('invalid', `[rabbitmq] cannot carry this message: ${what}`);
}

export const asBuffer = (body: Uint8Array): Buffer =>
  Buffer.from(body.buffer, body.byteOffset, body.byteLength);

/** Looks at a message as the layer above sees it. Headers are decoded on first access. */
export function toIncoming(raw: Message): IncomingMessage {
  const { properties, content } = raw;
  let headers: Readonly<Record<string, string>> | undefined;
  return {
    get type() {
      return text(properties.type) ?? this.headers['ce-type'] ?? parseRoutingKey(raw.fields.routingKey)?.type;
    },
    id: text(properties.messageId),
    contentType: text(properties.contentType),
    get headers() {
      headers ??= decodeHeaders(properties.headers);
      return headers;
    },
    body: content,
  };
}

const CLOUD_EVENTS = /^cloudevents[:_]/;

function decodeHeaders(table: Readonly<Record<string, unknown>> | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(table ?? {})) {
    const lower = name.toLowerCase().replace(CLOUD_EVENTS, 'ce-');
    const decoded = RESERVED.has(lower) ? undefined : text(value);
    if (decoded !== undefined) headers[lower] = decoded;
  }
  return headers;
}

/** A value of an AMQP table as text; tables and lists have none. Streams turn some strings into bytes. */
function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  if (
    typeof value === 'object' &&
    value !== null &&
    '!' in value &&
    'value' in value &&
    value['!'] === 'timestamp'
  )
    return new Date(Number(value.value) * 1000).toISOString();
  return undefined;
}

const numberHeader = (raw: Message, name: string): number => {
  const value: unknown = raw.properties.headers?.[name];
  const number =
    typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint' ? Number(value) : 0;
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
};

/** 1 for the first handing over: what copies say of earlier ones, and what the server counted since. */
export function attemptOf(raw: Message): number {
  return numberHeader(raw, ATTEMPT) + numberHeader(raw, 'x-delivery-count') + 1;
}

/** The lane of a message in a queue of several lanes. */
export function laneOf(raw: Message): Lane {
  const named: unknown = raw.properties.headers?.[LANE];
  if (typeof named === 'string') return parseLane(named);
  return parseRoutingKey(raw.fields.routingKey)?.lane ?? 'unordered';
}

/** Properties for a copy that will come back as attempt `attempts + 1`: everything the original had. */
export function copyProperties(raw: Message, attempts: number): Options.Publish {
  const { messageId, contentType, contentEncoding, correlationId, replyTo, timestamp, appId } =
    raw.properties;
  const headers: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw.properties.headers ?? {})) {
    if (!RESERVED.has(name)) headers[name] = value;
  }
  if (attempts > 0) headers[ATTEMPT] = String(attempts);
  const given = Object.entries({
    messageId,
    contentType,
    contentEncoding,
    correlationId,
    replyTo,
    timestamp,
    appId,
    type: toIncoming(raw).type,
  });
  const copy: Options.Publish = {
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    mandatory: true,
    persistent: true,
    headers,
  };
  return withLane(copy, laneOf(raw));
}

/** Where a message stands in its stream. */
export const streamOffset = (raw: Message): number => numberHeader(raw, 'x-stream-offset');
