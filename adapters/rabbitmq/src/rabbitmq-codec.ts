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
/** Type of what tells a group, in a queue of its own, how many messages the log lost before they were copied. */
export const MISSED_TYPE = 'waggle.missed';
/** Type of what stands in the registry. */
export const RECORD_TYPE = 'waggle.record';

/** Written by the server or by this driver: neither taken from nor handed to the layer above. */
export const RESERVED_HEADERS =
  /^(waggle-(attempt|lane)|x-(death|(first|last)-death-\w+|delivery-count|acquired-count|stream-offset))$/;

/**
 * What an outgoing message looks like in AMQP. What is too long for it the client library refuses when it is published.
 * @throws MessagingError `invalid` for what would not arrive exactly
 */
export function toProperties(message: OutgoingMessage): Options.Publish {
  const { id, type, contentType, headers, hints } = message;
  for (const text of [id, type, contentType, hints?.correlationId ?? '', ...Object.values(headers)]) {
    if (text.isWellFormed()) continue;
    throw new MessagingError('invalid', `[rabbitmq] ${id.toWellFormed()} holds half a surrogate pair`);
  }
  const properties: Options.Publish = { mandatory: true, persistent: true, messageId: id, type, contentType };
  if (hints?.timeMs !== undefined) properties.timestamp = Math.floor(hints.timeMs / 1000);
  if (hints?.correlationId !== undefined) properties.correlationId = hints.correlationId;
  if (Object.keys(headers).length > 0) properties.headers = headers;
  return properties;
}

/** Adds the lane, for a queue that holds several. */
export function withLane(properties: Options.Publish, lane: Lane): Options.Publish {
  if (lane === 'unordered') return properties;
  return { ...properties, headers: { ...properties.headers, [LANE]: String(lane) } };
}

/** A message as the layer above sees it. */
export function toIncoming(raw: Message): IncomingMessage {
  return new Incoming(raw);
}

/** Whatever needs the headers is computed when it is first asked for. */
class Incoming implements IncomingMessage {
  readonly id: string | undefined;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
  readonly #raw: Message;
  #headers: Readonly<Record<string, string>> | undefined;

  constructor(raw: Message) {
    this.#raw = raw;
    this.id = text(raw.properties.messageId);
    this.contentType = text(raw.properties.contentType);
    this.body = raw.content;
  }
  get type(): string | undefined {
    const { properties, fields } = this.#raw;
    return text(properties.type) ?? this.headers['ce-type'] ?? parseRoutingKey(fields.routingKey)?.type;
  }
  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= decodeHeaders(this.#raw.properties.headers));
  }
}

function decodeHeaders(table: Readonly<Record<string, unknown>> = {}): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(table)) {
    const lower = name.toLowerCase().replace(/^cloudevents[:_]/, 'ce-');
    const decoded = RESERVED_HEADERS.test(lower) ? undefined : text(value);
    if (decoded !== undefined) headers[lower] = decoded;
  }
  return headers;
}

/** A value of an AMQP table as text; tables and lists have none. Streams turn some strings into bytes. */
function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  if (['number', 'boolean', 'bigint'].includes(typeof value)) return String(value);
  const { '!': kind, value: seconds } = Object(value);
  return kind === 'timestamp' ? new Date(Number(seconds) * 1000).toISOString() : undefined;
}

function numberHeader(raw: Message, name: string): number {
  const value: unknown = raw.properties.headers?.[name];
  if (value === undefined) return 0;
  const number = Number(text(value));
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

/** 1 for the first handing over: what copies say of earlier ones, and what the server counted since. */
export function attemptOf(raw: Message): number {
  return numberHeader(raw, ATTEMPT) + numberHeader(raw, 'x-delivery-count') + 1;
}

/** Where a message stands in its stream. */
export const streamOffset = (raw: Message): number => numberHeader(raw, 'x-stream-offset');

/** The lane of a message in a queue of several lanes. */
export function laneOf(raw: Message): Lane {
  const named: unknown = raw.properties.headers?.[LANE];
  if (typeof named === 'string') return parseLane(named);
  return parseRoutingKey(raw.fields.routingKey)?.lane ?? 'unordered';
}

/** Properties for a copy that will come back as attempt `attempts + 1`: everything the original had, but what the server checks. */
export function copyProperties(raw: Message, attempts: number): Options.Publish {
  const { headers: table = {}, expiration: _ttl, userId: _user, ...given } = raw.properties;
  const kept = Object.entries(table).filter(([name]) => !RESERVED_HEADERS.test(name));
  const headers: Record<string, unknown> = Object.fromEntries(kept);
  if (attempts > 0) headers[ATTEMPT] = String(attempts);
  const type = toIncoming(raw).type;
  const copy = { ...given, ...(type !== undefined && { type }), mandatory: true, persistent: true, headers };
  return withLane(copy, laneOf(raw));
}
