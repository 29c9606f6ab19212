import type { IncomingMessage, OutgoingMessage } from '@waggle/messaging';
import { copyBytes } from './copy-bytes.ts';

/** A message as the broker holds it: a copy of its own that nobody else can reach. */
export interface StoredMessage extends Omit<OutgoingMessage, 'to' | 'hints'> {
  /** Its place in the log; of a message that is in no log, the place of the log's last message at that time. */
  readonly sequence: number;
  readonly storedAtMs: number;
  /** What it counts for in the retention: body, headers and names. */
  readonly bytes: number;
}

/** Copies what a producer handed over. */
export function store(message: OutgoingMessage, sequence: number, storedAtMs: number): StoredMessage {
  const { lane, type, id, contentType } = message;
  const headers = Object.freeze({ ...message.headers });
  let bytes = message.body.byteLength + type.length + id.length;
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0);
  const body = copyBytes(message.body);
  return { sequence, storedAtMs, bytes, lane, type, id, contentType, headers, body };
}

/** A copy to hand out. The headers are frozen, so that all copies can share them. */
export function handOut({ type, id, contentType, headers, body }: StoredMessage): IncomingMessage {
  return { type, id, contentType, headers, body: copyBytes(body) };
}
