import { messageOf, MessagingError, type MessagingErrorCode } from '@waggle/kernel';
import { isUntrusted } from '@waggle/messaging';
import pg from 'pg';

const MIGRATE = 'run `npm run migrate`';

/** SQLSTATEs, or the class that they begin with: what they mean, and what to do. The longest that fits counts. */
const MEANINGS: Readonly<Record<string, readonly [code: MessagingErrorCode, advice?: string]>> = {
  '08': ['unavailable'], // the connection
  '22': ['invalid'], // data
  '23': ['invalid'], // constraints
  '25006': ['unavailable', 'this is a standby, let DATABASE_URL name the primary'],
  '28': ['denied'],
  '3D000': ['invalid', 'create the database, or name another one in DATABASE_URL'],
  '3F000': ['invalid', MIGRATE],
  '40001': ['conflict'], // could not be serialised
  '40P01': ['conflict'], // deadlock
  '42': ['invalid'],
  '42501': ['denied'],
  '42883': ['invalid', MIGRATE], // no such function
  '42939': ['invalid', 'give another NAMESPACE'], // a reserved name
  '42P01': ['invalid', MIGRATE], // no such table
  '53': ['unavailable'], // out of connections, memory, disk
  '54': ['invalid'], // above a limit
  '55P03': ['timeout'], // a lock
  '57014': ['timeout'], // cancelled, which is what statement_timeout does
  '57': ['unavailable'], // shutting down, starting, crashed
  '58': ['unavailable'],
  F: ['unavailable'],
  XX: ['unavailable'],
};

/** The server's answer to a statement, after which the connection can be used for the next one. */
export function isAnswer(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}

/** Whether the server undid a statement only for the sake of others, so that it may be tried again. */
export function isUndone(error: unknown): boolean {
  return isAnswer(error) && (error.code === '40001' || error.code === '40P01');
}

/** Whether nothing came back in time, not even that it was cancelled. */
export function isSilent(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** The client's errors in Waggle's words; `what` says what was tried. Neither the client nor the server tells a password. */
export function translate(error: unknown, what: string): MessagingError {
  if (error instanceof MessagingError) return error;
  if (error instanceof pg.DatabaseError) {
    const [code, advice] = meaningOf(error.code ?? '');
    return fail(code, `${what}: ${error.message}${advice === undefined ? '' : `: ${advice}`}`, error);
  }
  const cause = error instanceof AggregateError ? (error.errors[0] as unknown) : error; // of one host's addresses
  const said = messageOf(cause).replace('ECONNREFUSED', '$&: is the server up?');
  return fail(codeOf(cause, said), `${what}: ${said}`, error);
}

export function fail(code: MessagingErrorCode, what: string, cause?: unknown): MessagingError {
  return new MessagingError(code, `[postgres] ${what}`, cause === undefined ? {} : { cause });
}

function meaningOf(state: string): readonly [code: MessagingErrorCode, advice?: string] {
  for (let length = state.length; length > 0; length--) {
    const meaning = MEANINGS[state.slice(0, length)];
    if (meaning !== undefined) return meaning;
  }
  return ['invalid'];
}

/** Of what did not come from the server. The client library has no codes for its own errors. */
function codeOf(error: unknown, said: string): MessagingErrorCode {
  if (/timeout/i.test(said)) return 'timeout';
  if (/does not support SSL/.test(said)) return 'invalid';
  return isUntrusted(error) || said.startsWith('SASL') ? 'denied' : 'unavailable';
}
