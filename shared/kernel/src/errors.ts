/**
 * Why messaging failed; the same on every broker and store.
 *
 * - `unroutable`   nobody would receive it: the queue was never declared
 * - `too-large`    above `MAX_EVENT_BYTES`
 * - `denied`       the server refused the credentials or the permission
 * - `timeout`      no answer within the deadline; whether it happened is unknown
 * - `unavailable`  not connected, or the connection was lost before the answer; whether it happened is unknown
 * - `closed`       used after close, or before open
 * - `invalid`      bad input, bad configuration, or a bug; trying again will not help
 * - `conflict`     somebody else was faster, or what exists on the server differs from what was asked for
 * - `out-of-range` a cursor whose position is no longer kept, or is past the head
 */
export type MessagingErrorCode =
  | 'unroutable'
  | 'too-large'
  | 'denied'
  | 'timeout'
  | 'unavailable'
  | 'closed'
  | 'invalid'
  | 'conflict'
  | 'out-of-range';

const RETRYABLE: ReadonlySet<MessagingErrorCode> = new Set([
  'timeout',
  'unavailable',
  'unroutable',
  'conflict',
]);

/** One message of a batch that failed. */
export interface FailedMessage {
  readonly id: string;
  readonly error: MessagingError;
}

/** The one error of the messaging layer. `cause` is the client library's own error. Never carries credentials. */
export class MessagingError extends Error {
  override readonly name = 'MessagingError';
  readonly code: MessagingErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Of a batch: each message that failed. The others were confirmed. */
  readonly failed: readonly FailedMessage[];

  constructor(
    code: MessagingErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly failed?: readonly FailedMessage[] } = {},
  ) {
    super(`[waggle] ${message}`, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retryable = RETRYABLE.has(code);
    this.failed = options.failed ?? [];
  }

  /** What it says without the mark of whom it is from: to be part of what another one says. */
  get reason(): string {
    return this.message.replace(/^\[waggle\] /, '');
  }
}

/** Thrown by a handler that knows that trying again will not help: the message becomes a dead letter at once. */
export class Reject extends Error {
  override readonly name = 'Reject';
}

/** What a thrown value says; also for what is not an Error, or cannot even be shown. */
export function messageOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return String(thrown.message);
    return typeof thrown === 'string' ? thrown : `thrown value: ${String(thrown)}`;
  } catch {
    return 'thrown value that cannot be shown as text';
  }
}
