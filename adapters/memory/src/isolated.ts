import { MessagingError, messageOf } from '@waggle/kernel';

/** A copy that nobody else can reach, of what can be copied. @throws MessagingError `invalid`, naming it */
export function isolated<Value>(value: Value, what: string): Value {
  try {
    return structuredClone(value);
  } catch (error) {
    throw new MessagingError('invalid', `[memory] ${what} cannot be stored: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
