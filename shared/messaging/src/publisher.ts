import type { CloudEvent, Contracts, MessageKind, Observer } from '@waggle/kernel';
import { contextOf, MessagingError } from '@waggle/kernel';
import { encode, encodeText, STRUCTURED } from './codec.ts';
import type { BrokerDriver, OutgoingMessage } from './driver.ts';
import { laneOf } from './lanes.ts';

/** A message and what it is, which decides where it goes: an event to the stream, a command to the queue of its context. */
export interface Publishing {
  readonly kind: MessageKind;
  readonly message: CloudEvent;
  /** The message as `encode` wrote it, so that it need not be written again. @default it is encoded */
  readonly body?: Uint8Array;
}

export interface Publisher {
  /** As it will go on the wire, if it is declared and could be sent. @throws MessagingError `invalid`, `too-large` */
  encode(publishing: Publishing): string;
  /** One outcome a message, in their order; `undefined` for confirmed. Never rejects. */
  publish(batch: readonly Publishing[]): Promise<readonly (MessagingError | undefined)[]>;
}

export interface PublisherOptions {
  readonly driver: BrokerDriver;
  readonly lanes: number;
  readonly maxMessageBytes: number;
  readonly contracts: Contracts | undefined;
  readonly observer: Observer | undefined;
}

const NO_HEADERS = {};
const NO_HINTS = {};

/** From messages to bytes on a lane, and from outcomes to observations. */
export function createPublisher({ driver, lanes, maxMessageBytes, ...options }: PublisherOptions): Publisher {
  const { contracts, observer } = options;

  function demandSize({ type, id }: CloudEvent, bytes: number): void {
    if (bytes <= maxMessageBytes) return;
    throw new MessagingError(
      'too-large',
      `${type} ${id} has ${bytes} bytes and MAX_EVENT_BYTES is ${maxMessageBytes}: send less, or a reference to it`,
    );
  }

  function prepare({ kind, message, body = encode(message) }: Publishing): OutgoingMessage {
    demandSize(message, body.byteLength);
    return {
      to: kind === 'event' ? { kind: 'stream' } : { kind: 'queue', context: contextOf(message.type) },
      lane: laneOf(message.partitionkey, lanes),
      type: message.type,
      id: message.id,
      contentType: STRUCTURED,
      headers: message.traceparent === undefined ? NO_HEADERS : { traceparent: message.traceparent },
      hints: hintsOf(message),
      body,
    };
  }

  function prepareOrNot(publishing: Publishing): OutgoingMessage | MessagingError {
    try {
      return prepare(publishing);
    } catch (error) {
      if (error instanceof MessagingError) return error;
      throw error;
    }
  }

  function observe(
    { kind, message }: Publishing,
    error: MessagingError | undefined,
    durationMs: number,
  ): void {
    observer?.({
      what: error !== undefined ? 'publish-failed' : kind === 'event' ? 'published' : 'sent',
      ...identify(message),
      durationMs,
      ...(error && { reason: error.message }),
    });
  }

  return {
    encode({ kind, message }) {
      if (contracts !== undefined && contracts.find(message.type)?.kind !== kind) {
        const what = `no contract declares ${message.type} as ${kind === 'event' ? 'an event' : 'a command'}`;
        throw new MessagingError('invalid', `${what}: declare it in the published language`);
      }
      const text = encodeText(message);
      demandSize(message, Buffer.byteLength(text));
      return text;
    },
    async publish(batch) {
      const startedAt = observer === undefined ? 0 : performance.now();
      const outcomes: (MessagingError | undefined)[] = [];
      const prepared: OutgoingMessage[] = [];
      for (const publishing of batch) {
        const message = prepareOrNot(publishing);
        if (isError(message)) outcomes.push(message);
        else {
          outcomes.push(undefined);
          prepared.push(message);
        }
      }
      const confirmed = await driver.publish(prepared);
      let next = 0;
      outcomes.forEach((fault, place) => (outcomes[place] = fault ?? confirmed[next++]));
      if (observer !== undefined) {
        const durationMs = performance.now() - startedAt;
        batch.forEach((publishing, place) => observe(publishing, outcomes[place], durationMs));
      }
      return outcomes;
    },
  };
}

/** What a transport can show of a message in fields of its own. */
export function hintsOf({
  time,
  correlationid,
}: Pick<CloudEvent, 'time' | 'correlationid'>): NonNullable<OutgoingMessage['hints']> {
  const timeMs = time === undefined ? Number.NaN : Date.parse(time);
  if (Number.isNaN(timeMs)) return correlationid === undefined ? NO_HINTS : { correlationId: correlationid };
  return correlationid === undefined ? { timeMs } : { timeMs, correlationId: correlationid };
}

const isError = (value: object | undefined): value is MessagingError => value instanceof MessagingError;

/** What an observation says of a message. */
export function identify(message: CloudEvent) {
  return {
    id: message.id,
    type: message.type,
    source: message.source,
    ...(message.correlationid !== undefined && { correlationId: message.correlationid }),
    ...(message.causationid !== undefined && { causationId: message.causationid }),
    ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
  };
}

/** Publishes all and throws one error that names each that failed; a single failure is thrown as it is. */
export async function publishOrThrow(
  publisher: Publisher,
  kind: MessageKind,
  messages: readonly CloudEvent[],
): Promise<void> {
  const outcomes = await publisher.publish(messages.map((message) => ({ kind, message })));
  if (outcomes.every((outcome) => outcome === undefined)) return;
  const failed = messages.flatMap((message, place) => {
    const error = outcomes[place];
    return error === undefined ? [] : [{ id: message.id, error }];
  });
  const [first] = failed;
  if (first === undefined) return;
  const { code, reason } = first.error;
  const others = failed.length > 1 ? ` (and ${failed.length - 1} more of ${messages.length})` : '';
  throw new MessagingError(code, reason + others, {
    cause: first.error,
    failed,
  });
}
