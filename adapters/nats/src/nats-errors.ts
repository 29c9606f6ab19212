import { MessagingError, messageOf, type MessagingErrorCode } from '@waggle/kernel';
import { NatsError } from 'nats';

/** Numbers of the JetStream API (`err_code`) that Waggle tells apart; they are the same since 2.3. */
export const JS = {
  streamNotFound: 10059,
  consumerNotFound: 10014,
  streamNameInUse: 10058,
  subjectsOverlap: 10065,
  messageTooLarge: 10054,
} as const;

const BY_API_CODE: Readonly<Record<number, MessagingErrorCode>> = {
  10039: 'invalid', // JetStream not enabled for the account
  10047: 'invalid', // not enough storage for what max_bytes reserves
  10028: 'invalid', // storage of the account exceeded by what is asked for
  10052: 'conflict', // the existing stream does not allow the change
  10058: 'conflict',
  10065: 'conflict', // subjects belong to another stream
  10054: 'too-large',
  10059: 'unroutable',
  10014: 'unroutable',
};

const BY_CODE: Readonly<Record<string, MessagingErrorCode>> = {
  AUTHORIZATION_VIOLATION: 'denied',
  AUTHENTICATION_EXPIRED: 'denied',
  ACCOUNT_EXPIRED: 'denied',
  BAD_AUTHENTICATION: 'denied',
  BAD_CREDS: 'denied',
  PERMISSIONS_VIOLATION: 'denied',
  TLS: 'denied',
  BAD_HEADER: 'invalid',
  BAD_SUBJECT: 'invalid',
  INVALID_OPTION: 'invalid',
  SERVER_OPT_NA: 'invalid',
  MAX_PAYLOAD_EXCEEDED: 'too-large',
  TIMEOUT: 'timeout',
};

/** Certificates that do not hold: what TLS says, as the codes of Node's errors. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/;

/** The client's errors in Waggle's words; `what` says what was tried. The client puts no credentials into its messages. */
export function translate(error: unknown, what: string): MessagingError {
  if (error instanceof MessagingError) return error;
  const code = codeOf(error);
  const api = error instanceof NatsError ? error.api_error : undefined;
  if (api?.err_code !== undefined && api.err_code in BY_API_CODE) {
    return fail(
      BY_API_CODE[api.err_code] ?? 'invalid',
      `${what}: ${api.description}${hint(api.err_code)}`,
      error,
    );
  }
  if (api !== undefined) {
    return fail(api.code >= 500 ? 'unavailable' : 'invalid', `${what}: ${api.description}`, error);
  }
  if (CERTIFICATE.test(code)) return fail('denied', `${what}: the certificate was refused (${code})`, error);
  return fail(BY_CODE[code] ?? 'unavailable', `${what}: ${messageOf(error)}`, error);
}

export function fail(code: MessagingErrorCode, what: string, cause?: unknown): MessagingError {
  return new MessagingError(code, `[nats] ${what}`, cause === undefined ? {} : { cause });
}

/** The `err_code` of the answer of the JetStream API that an error was translated from. */
export function apiCode({ cause }: MessagingError): number | undefined {
  return cause instanceof NatsError ? cause.api_error?.err_code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = error instanceof MessagingError ? apiCode(error) : undefined;
  return code === JS.streamNotFound || code === JS.consumerNotFound;
}

function codeOf(error: unknown): string {
  if (error instanceof NatsError && error.chainedError !== undefined && error.code === 'CONNECTION_REFUSED') {
    return codeOf(error.chainedError);
  }
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

function hint(code: number): string {
  if (code === 10047 || code === 10028)
    return ': lower the retention in bytes, which NATS reserves, or give JetStream more';
  return code === 10039 ? ': enable JetStream for this account' : '';
}
