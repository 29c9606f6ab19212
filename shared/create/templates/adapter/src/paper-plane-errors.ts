import { MessagingError, messageOf } from '@waggle/kernel';
import { isUntrusted } from '@waggle/messaging';

/**
 * What the client library throws, in Waggle's words, once. The code tells the layer above what to do: `denied` is not tried
 * again soon, `unavailable` is. Never repeat what may hold a password (C6, Q3).
 */
export function translate(error: unknown, what: string): MessagingError {
  if (error instanceof MessagingError) return error;
  const isDenied = isUntrusted(error) || /auth|permission/i.test(messageOf(error));
  const [code, advice] = isDenied
    ? (['denied', 'check the credentials, the certificates and the permissions'] as const)
    : (['unavailable', 'is the server up?'] as const);
  return new MessagingError(code, `[paper-plane] ${what}: ${messageOf(error)}: ${advice}`, { cause: error });
}

/**
 * Stands where something is to be written, and says what. The contract suite shows it as work that is left. The last one to be
 * replaced takes this function with it.
 */
export function notWritten(part: string, what: string): never {
  const where = 'docs/writing-an-adapter.md';
  throw new MessagingError('invalid', `[paper-plane] ${part} is not written yet: ${what} (${where})`);
}
