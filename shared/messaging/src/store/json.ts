import { MessagingError, messageOf } from '@waggle/kernel';

/** As a store keeps it. @throws MessagingError `invalid`, naming what it was */
export function toJson(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new MessagingError('invalid', `${what} cannot be stored as JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (text !== undefined) return text;
  throw new MessagingError('invalid', `${what} is ${String(value)}: only what JSON can say is stored`);
}
