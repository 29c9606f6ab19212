import { MessagingError, messageOf, type MessagingErrorCode } from '@waggle/kernel';
import { isUntrusted } from '@waggle/messaging';
import { ErrorCode, NatsError } from 'nats';

const STORAGE = 'lower the retention in bytes, which NATS reserves, or give JetStream more';

/** Answers of the JetStream API by their number (`err_code`, the same since 2.3): what they mean, and what to do. */
const ANSWERS: Readonly<Record<number, readonly [code: MessagingErrorCode, advice?: string]>> = {
  10014: ['unroutable'], // no such consumer
  10037: ['unroutable'], // no such message
  10059: ['unroutable'], // no such stream
  10028: ['invalid', STORAGE], // more than the account may store
  10047: ['invalid', STORAGE], // more than the server has
  10039: ['invalid', 'enable JetStream for this account'],
  10054: ['too-large'],
  10058: ['conflict'], // a stream of this name exists, and differs
  10065: ['conflict'], // the subjects belong to another stream
};

/** Codes of the client. */
const DENIED = /AUTH|CREDS|EXPIRED|PERMISSIONS|TLS/;
const INVALID = /^(BAD_HEADER|BAD_SUBJECT|INVALID_OPTION)$/;

/** The client's errors in Waggle's words; `what` says what was tried. The client puts no credentials into its messages. */
export function translate(error: unknown, what: string): MessagingError {
  if (error instanceof MessagingError) return error;
  const answer = error instanceof NatsError ? error.api_error : undefined;
  if (error instanceof NatsError && error.code === ErrorCode.ServerOptionNotAvailable) {
    return fail('invalid', `${what}: the server has no TLS, which was asked for: use another server`, error);
  }
  const said = messageOf(error).replace(ErrorCode.ConnectionRefused, '$&: is the server up?');
  if (answer === undefined) return fail(meaningOf(error), `${what}: ${said}`, error);
  const otherwise = answer.code >= 500 ? 'unavailable' : 'invalid';
  const [code, advice] = ANSWERS[answer.err_code ?? 0] ?? [otherwise];
  return fail(code, `${what}: ${answer.description}${advice === undefined ? '' : `: ${advice}`}`, error);
}

export function fail(code: MessagingErrorCode, what: string, cause?: unknown): MessagingError {
  return new MessagingError(code, `[nats] ${what}`, cause === undefined ? {} : { cause });
}

/** What exists on the server and is not as it was asked for. */
export function differs(resource: string, what: string, theirs: unknown, ours: unknown): MessagingError {
  const difference = `exists with ${what} "${String(theirs)}", and this process asks for "${String(ours)}"`;
  return fail('conflict', `${resource} ${difference}: use the same settings everywhere, or another name`);
}

export function missing(resource: string): MessagingError {
  return fail('unroutable', `there is no ${resource}: declare it first`);
}

/** Whether there is nobody who would answer what was asked of JetStream. */
export function isSilence(error: unknown): boolean {
  return error instanceof NatsError && error.code === ErrorCode.NoResponders && error.api_error === undefined;
}

/** What was asked for; `undefined` if there is no such stream, consumer or message. */
export async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) =>
    translate(error, '').code === 'unroutable' ? undefined : Promise.reject(error),
  );
}

function meaningOf(error: unknown): MessagingErrorCode {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.endsWith('TIMEOUT')) return 'timeout';
  if (code === 'MAX_PAYLOAD_EXCEEDED') return 'too-large';
  if (INVALID.test(code)) return 'invalid';
  return isUntrusted(error) || DENIED.test(code) ? 'denied' : 'unavailable';
}
