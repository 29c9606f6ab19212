import { MessagingError } from '@waggle/kernel';
import type { IncomingMessage, Lane, OutgoingMessage } from '@waggle/messaging';
import { copyBytes } from './copy-bytes.ts';

const HEADER_NAME = /^[a-z0-9-]+$/;
const RESERVED = 'waggle-';

/** A message as the broker holds it: a copy of its own that nobody else can reach. */
export interface StoredMessage {
  /** Its place in the log; of a message that is in no log, the place of the log's last message at that time. */
  readonly sequence: number;
  readonly storedAtMs: number;
  /** What it counts for in the retention: body, headers and names. */
  readonly bytes: number;
  readonly lane: Lane;
  readonly type: string;
  readonly id: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What is wrong with a message, as every broker would see it. */
export function faultOf(
  message: OutgoingMessage,
  limits: { readonly lanes: number; readonly maxMessageBytes: number },
): MessagingError | undefined {
  const { lane } = message;
  if (lane !== 'unordered' && !(Number.isInteger(lane) && lane >= 0 && lane < limits.lanes)) {
    return invalid(message, `is for lane ${lane}: there are lanes 0 to ${limits.lanes - 1} and "unordered"`);
  }
  for (const name in message.headers) {
    if (!HEADER_NAME.test(name)) {
      return invalid(message, `has a header named ${JSON.stringify(name)}: use a-z, 0-9 and dashes`);
    }
    if (name.startsWith(RESERVED)) {
      return invalid(
        message,
        `has a header named "${name}": names that begin with "${RESERVED}" are reserved`,
      );
    }
    if (typeof message.headers[name] !== 'string') {
      return invalid(message, `has a header "${name}" that is not text`);
    }
  }
  if (message.body.byteLength > limits.maxMessageBytes) {
    return new MessagingError(
      'too-large',
      `[memory] message ${message.id} has ${message.body.byteLength} bytes: at most ${limits.maxMessageBytes} are allowed`,
    );
  }
  return undefined;
}

function invalid(message: OutgoingMessage, problem: string): MessagingError {
  return new MessagingError('invalid', `[memory] message ${message.id} ${problem}`);
}

/** Copies what a producer handed over. */
export function store(message: OutgoingMessage, sequence: number, storedAtMs: number): StoredMessage {
  const headers = Object.freeze({ ...message.headers });
  let bytes = message.body.byteLength + message.type.length + message.id.length;
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0);
  return {
    sequence,
    storedAtMs,
    bytes,
    lane: message.lane,
    type: message.type,
    id: message.id,
    contentType: message.contentType,
    headers,
    body: copyBytes(message.body),
  };
}

/** A copy to hand out. The headers are frozen, so that all copies can share them. */
export function handOut(stored: StoredMessage): IncomingMessage {
  return {
    type: stored.type,
    id: stored.id,
    contentType: stored.contentType,
    headers: stored.headers,
    body: copyBytes(stored.body),
  };
}
