import { MessagingError, type MessagingErrorCode } from '@waggle/kernel';

/** The AMQP reply code of a client error; of a failed handshake it stands in the text only. */
export function replyCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'number') return error.code;
  const found = /terminated by server: (\d{3})/.exec(error.message);
  return found === null ? undefined : Number(found[1]);
}

export const isNotFound = (error: unknown): boolean => replyCode(error) === 404;

export const closedError = (): MessagingError =>
  new MessagingError(
    'closed',
    '[rabbitmq] the driver is not open: call open() first, and nothing after close()',
  );

const DIFFERS = /inequivalent arg '([^']+)' for (\w+) '([^']+)'.*?: received (.*) but current is (.*?)"?$/s;

/** Translates what the client library threw, once. `what` says what was being done, to what. */
export function translate(error: unknown, what: string): MessagingError {
  if (error instanceof MessagingError) return error;
  const said = (error instanceof Error ? error.message : String(error)).replace(/ for user '[^']*'/g, '');
  const fail = (code: MessagingErrorCode, advice: string): MessagingError =>
    new MessagingError(code, `[rabbitmq] ${what}: ${advice}`, { cause: error });

  switch (replyCode(error)) {
    case 403:
      return fail('denied', `the server refused (${said}): check the user, the password and its permissions`);
    case 530:
      return /not found/.test(said)
        ? fail('invalid', `${said}: create the virtual host, or correct the URL`)
        : fail('denied', `the server refused (${said}): check the user's permissions`);
    case 405:
      return fail('conflict', said);
    case 406: {
      const [, argument, kind, name, asked, current] = DIFFERS.exec(said) ?? [];
      return fail(
        'conflict',
        name === undefined
          ? said
          : `${kind} ${name} exists with ${argument} ${current}, asked for ${asked}: use what exists, or another namespace`,
      );
    }
    default:
      return fail('unavailable', said);
  }
}

/** Fails with `timeout` when the server does not answer in time; a late answer is ignored. */
export async function within<T>(timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new MessagingError('timeout', `[rabbitmq] ${what}: no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    throw translate(error, what);
  } finally {
    clearTimeout(timer);
  }
}
