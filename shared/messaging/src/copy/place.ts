import { isDeepStrictEqual } from 'node:util';
import { MessagingError } from '@waggle/kernel';
import type { CopyBatch } from './mark.ts';
import { markOf } from './mark.ts';
import type { CopyEnd } from './copy-stream.ts';
import type { LogEntry } from '../driver.ts';

const WHOLE_LOG = { from: 'beginning', follow: false } as const;

/** Where an earlier run came to. Positions are of the source. */
export interface Place {
  /** Everything up to there was copied; `undefined` for nothing. */
  readonly behind: string | undefined;
  /** What else was copied. */
  readonly there: ReadonlySet<string>;
  /** Whether the source no longer has the beginning of a batch that was interrupted. */
  readonly isGap: boolean;
}

/**
 * What the marks in the destination say of earlier runs.
 * @throws MessagingError `conflict` for events that were not copied from the source, unless that is allowed
 */
export async function findPlace(
  source: CopyEnd,
  destination: CopyEnd,
  allowForeign: boolean,
): Promise<Place> {
  let batch: CopyBatch | undefined;
  let inBatch = 0;
  let there = new Set<string>();
  for await (const { message } of destination.driver.read({ kind: 'stream' }, WHOLE_LOG)) {
    const mark = markOf(message);
    if (mark?.from !== source.name) {
      if (!allowForeign) throw foreign(destination, source, message.id);
      continue;
    }
    if (mark.batch.behind !== batch?.behind) there = new Set();
    // An interrupted batch that was gone on with has the same end, and fewer events that were still to go.
    if (!isDeepStrictEqual(mark.batch, batch)) inBatch = 0;
    batch = mark.batch;
    if (!there.has(mark.position)) inBatch++;
    there.add(mark.position);
  }
  if (batch === undefined) return { behind: undefined, there, isGap: false };
  if (inBatch >= batch.count) return { behind: batch.last, there: new Set(), isGap: false };
  const isGap = batch.behind === undefined && (await firstOf(source))?.position !== batch.first;
  return { behind: batch.behind, there, isGap };
}

/** Where the names do not tell that both are the same, the first event does. @throws MessagingError `conflict` */
export async function refuseSameLog(source: CopyEnd, destination: CopyEnd): Promise<void> {
  if (source.name !== destination.name) return;
  const [one, other] = await Promise.all([source, destination].map(firstOf));
  if (one === undefined || other === undefined) return;
  const isSame =
    one.position === other.position &&
    one.message.id === other.message.id &&
    markOf(one.message)?.position === markOf(other.message)?.position;
  if (!isSame) return;
  throw new MessagingError(
    'conflict',
    `source and destination are the same log, ${source.name}: choose another broker or namespace`,
  );
}

async function firstOf({ driver }: CopyEnd): Promise<LogEntry | undefined> {
  for await (const entry of driver.read({ kind: 'stream' }, WHOLE_LOG)) return entry;
  return undefined;
}

const foreign = (destination: CopyEnd, source: CopyEnd, id = 'without id'): MessagingError =>
  new MessagingError(
    'conflict',
    `${destination.name} holds events that were not copied from ${source.name} (the first is ${id}): choose an empty namespace, or allow foreign events`,
  );
