import type { IncomingMessage } from '../driver.ts';

const HEADER = 'copied-from';
const BEGINNING = '-';

/** Events that are copied together: the next batch begins when all of this one is confirmed. Positions are of the source. */
export interface CopyBatch {
  /** Everything up to there had been copied before; `undefined` for the beginning. */
  readonly behind: string | undefined;
  readonly first: string;
  readonly last: string;
  /** How many events of it go to the destination. */
  readonly count: number;
}

/** What a copied event says of where it came from, so that copying can go on where it was interrupted. */
export interface CopyMark {
  /** The name of the log that it was copied from. */
  readonly from: string;
  /** Its own position there. */
  readonly position: string;
  readonly batch: CopyBatch;
}

export function markHeader({ from, position, batch }: CopyMark): Readonly<Record<string, string>> {
  const { behind, first, last, count } = batch;
  const place = behind === undefined ? BEGINNING : encodeURIComponent(behind);
  const [name, own, begin, end] = [from, position, first, last].map(encodeURIComponent);
  return { [HEADER]: `${name} ${own} ${place} ${begin} ${end} ${count}` };
}

/** `undefined` for a message that was not copied. */
export function markOf({ headers }: Pick<IncomingMessage, 'headers'>): CopyMark | undefined {
  const fields = headers[HEADER]?.split(' ') ?? [];
  const [from, position, behind, first, last, count] = fields.map(decoded);
  const isWhole = from && position && behind && first && last && Number(count) > 0 && fields.length === 6;
  if (!isWhole) return undefined; // somebody else's header of that name
  const place = behind === BEGINNING ? undefined : behind;
  return { from, position, batch: { behind: place, first, last, count: Number(count) } };
}

function decoded(field: string): string | undefined {
  try {
    return decodeURIComponent(field);
  } catch {
    return undefined;
  }
}
