import { describe, expect, it } from 'vitest';
import type { MessagingErrorCode } from '../src/index.ts';
import { messageOf, MessagingError, Reject } from '../src/index.ts';

describe('a messaging error', () => {
  const retryable: Readonly<Record<MessagingErrorCode, boolean>> = {
    timeout: true,
    unavailable: true,
    unroutable: true,
    conflict: true,
    'too-large': false,
    denied: false,
    closed: false,
    invalid: false,
    'out-of-range': false,
  };

  it.each(Object.entries(retryable) as [MessagingErrorCode, boolean][])(
    'with the code %s says whether the same call may succeed later: %s',
    (code, expected) => {
      expect(new MessagingError(code, 'it did not work').retryable).toBe(expected);
    },
  );

  it('says who speaks, keeps the cause, and names what failed of a batch', () => {
    const cause = new Error('ECONNREFUSED');
    const one = { id: 'm-1', error: new MessagingError('timeout', 'no answer') };
    const error = new MessagingError('unavailable', 'not connected', { cause, failed: [one] });
    expect(error.message).toBe('[waggle] not connected');
    expect(error.name).toBe('MessagingError');
    expect(error.cause).toBe(cause);
    expect(error.failed).toEqual([one]);
  });

  it('without a cause has none, also not an undefined one', () => {
    const error = new MessagingError('closed', 'closed');
    expect('cause' in error).toBe(false);
    expect(error.failed).toEqual([]);
  });
});

describe('what a thrown value says', () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  class Silent extends Error {
    override get message(): string {
      throw new Error('not even this');
    }
  }
  const withMessage = (message: unknown) =>
    Object.defineProperty(new Error('x'), 'message', { value: message });

  it.each<[string, unknown, string]>([
    ['an error', new Error('no stock'), 'no stock'],
    ['a rejection', new Reject('unknown customer'), 'unknown customer'],
    ['an error without a message', new Error(''), ''],
    ['an error whose message is not text', withMessage(42), '42'],
    ['a string', 'just text', 'just text'],
    ['an empty string', '', ''],
    ['undefined', undefined, 'thrown value: undefined'],
    ['null', null, 'thrown value: null'],
    ['a number', 0, 'thrown value: 0'],
    ['a big integer', 10n, 'thrown value: 10'],
    ['a symbol', Symbol('oops'), 'thrown value: Symbol(oops)'],
    ['an object', { code: 1 }, 'thrown value: [object Object]'],
    ['a list', [1, 2], 'thrown value: 1,2'],
    ['an object without a prototype', Object.create(null), 'thrown value that cannot be shown as text'],
    [
      'an object whose toString throws',
      {
        toString: () => {
          throw new Error('no');
        },
      },
      'thrown value that cannot be shown as text',
    ],
    [
      'an object whose toString gives no text',
      { toString: () => ({}) },
      'thrown value that cannot be shown as text',
    ],
    ['an error whose message cannot be read', new Silent(), 'thrown value that cannot be shown as text'],
    [
      'an error whose message cannot be shown',
      withMessage(Object.create(null)),
      'thrown value that cannot be shown as text',
    ],
    ['a revoked proxy', revoked.proxy, 'thrown value that cannot be shown as text'],
  ])('is always text: %s', (_, thrown, text) => {
    expect(messageOf(thrown)).toBe(text);
  });
});
