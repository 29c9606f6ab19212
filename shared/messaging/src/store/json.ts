import { MessagingError, messageOf } from '@waggle/kernel';

/** Characters of a name or an id: what an index of every store takes, several of them together. */
const LONGEST = 400;

/**
 * Names and ids are stored as text, of which half a surrogate pair is none: two of them could become one.
 * @throws MessagingError `invalid`, naming what it was
 */
export function checkText(what: string, text: string): void {
  if (!text.isWellFormed())
    throw new MessagingError('invalid', `${what} has half a surrogate pair: give text that is Unicode`);
  if (text.length > LONGEST)
    throw new MessagingError('invalid', `${what} has ${text.length} characters: give at most ${LONGEST}`);
}

/** Whether it could be a name or an id. */
export const isText = (text: string): boolean => text.isWellFormed() && text.length <= LONGEST;

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
