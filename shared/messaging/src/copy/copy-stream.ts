import type { Clock } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { collectBatches } from './batches.ts';
import type { CopyBatch } from './mark.ts';
import { markOf } from './mark.ts';
import type { Copied } from './message.ts';
import { copyOf, marked } from './message.ts';
import type { Place } from './place.ts';
import { findPlace, refuseSameLog } from './place.ts';
import type { BrokerDriver, LogEntry } from '../driver.ts';
import { backoff, delayAfter } from '../backoff.ts';
import { pause } from '../kit/waiting.ts';
import { wakefulClock } from '../system.ts';

const STREAM = { kind: 'stream' } as const;
const MOST_TRIES = 12;
const RETRY = backoff({ initialDelayMs: 100, maxDelayMs: 5_000, jitter: 0 });

/** One of the two logs, open. */
export interface CopyEnd {
  readonly driver: BrokerDriver;
  /** `<broker>/<namespace>`: what the marks on copied events call it. Stays the same from run to run. */
  readonly name: string;
}

export interface CopyOptions {
  readonly source: CopyEnd;
  readonly destination: CopyEnd;
  /** Lanes of the destination, which may have another number of them. */
  readonly lanes: number;
  /** Goes on with what is published later, until `signal` aborts. @default false */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** Also into a log that holds events which were not copied from the source. @default false */
  readonly allowForeign?: boolean;
  /** Goes on with the oldest event that the source keeps, if it no longer keeps the one to go on behind. @default false */
  readonly acceptGap?: boolean;
  /** Passes over what the destination refuses for good, such as what is too large for it. @default false */
  readonly skipRefused?: boolean;
  /** Most events that are under way at a time. @default 512 */
  readonly batchSize?: number;
  /** Told after every batch, and once before the first. */
  readonly onProgress?: (report: CopyReport) => void;
  /** Told of every failure that is tried again. */
  readonly onRetry?: (reason: string) => void;
  /** @default the system's */
  readonly clock?: Clock;
}

/** What one run of copying did. */
export interface CopyReport {
  readonly copied: number;
  /** The place in the source up to which everything is copied; `undefined` for the beginning. */
  readonly position: string | undefined;
  /** Where this run began; `undefined` for the beginning. */
  readonly resumedBehind: string | undefined;
  /** Behind that place, what an interrupted run had copied already; not copied again. */
  readonly alreadyThere: number;
  /** What the source had from the destination; not copied back. */
  readonly returned: number;
  /** What the destination refused for good. */
  readonly refused: readonly { readonly id: string; readonly position: string; readonly reason: string }[];
  /** Names of headers that no Waggle message carries, with how often they were left out. */
  readonly droppedHeaders: Readonly<Record<string, number>>;
}

/**
 * Copies the events of one log to another, of whatever brokers: same id, type, content type, headers and body, with a header
 * that says whence. Of each key the next is sent when the one before is confirmed, so the order of keys is kept also through
 * failures. Ends at the head as it was, or with `signal`. Interrupted in whatever way, it goes on from the marks in the destination:
 * without loss, and without copying twice but for what was on its way in that very moment. One run at a time.
 * @throws MessagingError `conflict` if the two logs are one, or the destination holds events of its own; `out-of-range` if the
 * source no longer keeps where to go on; what the destination refuses; what fails for too long
 */
export async function copyStream(options: CopyOptions): Promise<CopyReport> {
  const { source, destination, follow = false, acceptGap = false } = options;
  const leaving = new AbortController();
  const signal = AbortSignal.any([leaving.signal, ...(options.signal ? [options.signal] : [])]);
  await refuseSameLog(source, destination);
  const run = async (place: Place, begun: () => void): Promise<CopyReport> => {
    const copying = startCopying(options, place, signal);
    options.onProgress?.(copying.report());
    const from = place.behind === undefined ? 'beginning' : { after: place.behind };
    const entries = source.driver.read(STREAM, { from, follow, signal });
    for await (const batch of collectBatches(entries, options.batchSize ?? 512)) {
      begun();
      await copying.copy(batch).catch((error: unknown) => {
        leaving.abort(); // else the reader would wait for an event before it ends
        throw error;
      });
    }
    return copying.report();
  };
  let hasBegun = false;
  const begun = (): void => void (hasBegun = true);
  const place = await findPlace(source, destination, options.allowForeign ?? false);
  if (place.isGap && !acceptGap) throw overtaken(source, 'its first event is another than it was');
  try {
    return await run(place, begun);
  } catch (error) {
    const isOvertaken = error instanceof MessagingError && error.code === 'out-of-range';
    if (!isOvertaken) throw error;
    if (!acceptGap || hasBegun) throw overtaken(source, error.reason, error);
    return await run({ ...place, behind: undefined }, begun);
  }
}

function startCopying(options: CopyOptions, place: Place, signal: AbortSignal) {
  const { source, destination, lanes, skipRefused = false, clock = wakefulClock } = options;
  const refused: CopyReport['refused'][number][] = [];
  const dropped: Record<string, number> = {};
  let [position, copied, alreadyThere, returned] = [place.behind, 0, 0, 0];

  async function copy(batch: readonly LogEntry[]): Promise<void> {
    const [first, last] = [batch.at(0)?.position, batch.at(-1)?.position];
    let rest = batch.flatMap((entry) => prepare(entry) ?? []);
    if (first === undefined || last === undefined) return;
    const of = { behind: position, first, last, count: rest.length };
    while (rest.length > 0) rest = await copyWave(rest, of);
    position = last;
    options.onProgress?.(report());
  }

  function prepare(entry: LogEntry): Copied | undefined {
    const mark = markOf(entry.message);
    if (mark?.from === destination.name) {
      if (source.name === destination.name) throw goingRound(source);
      returned++;
    } else if (place.there.has(entry.position)) {
      alreadyThere++;
    } else {
      const copy = copyOf(entry, lanes);
      for (const name of copy.dropped) dropped[name] = (dropped[name] ?? 0) + 1;
      return copy;
    }
    return undefined;
  }

  /** The first of each key; returns those that have to wait for theirs. */
  async function copyWave(all: readonly Copied[], batch: CopyBatch): Promise<Copied[]> {
    const keys = new Set<string>();
    const wave: Copied[] = [];
    const later: Copied[] = [];
    for (const one of all) {
      const waits = one.key !== undefined && keys.has(one.key);
      (waits ? later : wave).push(one);
      if (one.key !== undefined) keys.add(one.key);
    }
    await publish(wave, batch);
    return later;
  }

  /** Until all of it is confirmed or refused. */
  async function publish(wave: readonly Copied[], batch: CopyBatch): Promise<void> {
    let rest = wave;
    for (let tries = 1; rest.length > 0; tries++) {
      const outcomes = await destination.driver.publish(
        rest.map((one) => marked(one, { from: source.name, batch })),
      );
      let problem: MessagingError | undefined;
      const failed = rest.filter((one, index) => {
        const error = outcomes[index];
        if (error === undefined) copied++;
        else if (['invalid', 'too-large'].includes(error.code)) refuse(one, error);
        else problem = error;
        return error !== undefined && error === problem;
      });
      if (problem === undefined) return;
      if (!problem.retryable || tries >= MOST_TRIES || signal.aborted) throw problem;
      options.onRetry?.(problem.message);
      await pause(
        clock,
        delayAfter(tries, RETRY, () => 0),
        signal,
      );
      rest = failed;
    }
  }

  function refuse({ position: at, message: { id } }: Copied, error: MessagingError): void {
    const { reason } = error;
    if (!skipRefused) {
      throw new MessagingError(
        error.code,
        `${destination.name} refuses ${id} at ${at} of ${source.name}: ${reason}; nothing behind it is copied unless refused events are to be skipped`,
        { cause: error },
      );
    }
    refused.push({ id, position: at, reason });
  }

  function report(): CopyReport {
    const all = { copied, position, resumedBehind: place.behind, alreadyThere, returned };
    return { ...all, refused: [...refused], droppedHeaders: { ...dropped } };
  }

  return { copy, report };
}

const goingRound = ({ name }: CopyEnd): MessagingError =>
  new MessagingError(
    'conflict',
    `the source holds events that were copied from ${name}: source and destination are the same log, or of one name on two servers, where there is no way back: choose another namespace`,
  );

const overtaken = ({ name }: CopyEnd, reason: string, cause?: MessagingError): MessagingError =>
  new MessagingError(
    'out-of-range',
    `${name} no longer keeps all that comes next (${reason}): events may be missing in the copy; accept the gap to go on with the oldest that is kept`,
    { cause },
  );
