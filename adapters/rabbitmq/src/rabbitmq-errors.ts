import { MessagingError, type MessagingErrorCode } from '@waggle/kernel';
import { isUntrusted } from '@waggle/messaging';

/** The AMQP reply code of a client error; of a failed handshake it stands in the text only. */
export function replyCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'number') return error.code;
  const found = /terminated by server: (\d{3})/.exec(error.message);
  return found === null ? undefined : Number(found[1]);
}

export const isNotFound = (error: unknown): boolean => replyCode(error) === 404;

const MEANINGS: Readonly<Record<number, readonly [MessagingErrorCode, string]>> = {
  403: ['denied', 'check the user, the password and its permissions'],
  404: ['unroutable', 'declare it first'],
  405: ['conflict', 'somebody else has it for themselves'],
  406: ['conflict', 'use what exists, or another namespace'],
  530: ['denied', 'check the virtual host in the URL, and the permissions of the user'],
};
const DIFFERS =
  /^.*?inequivalent arg '([^']+)' for (\w+) '([^']+)'.*?: received (.*) but current is (.*?)"?$/s;

/** Translates what the client library threw, once. `what` says what was being done, to what. */
export function translate(error: unknown, what: string): MessagingError {
  if (error instanceof MessagingError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const said = text
    .replace(/ for user '[^']*'/g, '')
    .replace(DIFFERS, '$2 $3 exists with $1 $5, asked for $4');
  const [code, advice] = meaningOf(error, said);
  return new MessagingError(code, `[rabbitmq] ${what}: ${said}: ${advice}`, { cause: error });
}

function meaningOf(error: unknown, said: string): readonly [MessagingErrorCode, string] {
  // So the client library refuses to write what AMQP has no room for, such as a name of more than 255 bytes.
  if (error instanceof TypeError || error instanceof RangeError)
    return ['invalid', 'AMQP has no room for it'];
  if (isUntrusted(error)) return ['denied', 'check the certificates of both sides, and the name of the host'];
  if (/SASL mechanism/.test(said)) return ['denied', 'enable the plugin rabbitmq_auth_mechanism_ssl'];
  if (/is down or inaccessible/.test(said)) return ['unavailable', 'the server is starting'];
  const reply = replyCode(error) ?? 0;
  if (reply === 530 && /not found/.test(said)) return ['invalid', 'create the virtual host'];
  return MEANINGS[reply] ?? ['unavailable', 'is the server up?'];
}
