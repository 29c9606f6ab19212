import type { Clock, DeadLetter, DeadLetterFilter, DeadLetters, Ids, ResolveOptions } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { deadLetterMatcher } from './dead-letter-filter.ts';
import type { BrokerDriver, Destination, IncomingMessage, Lane, OutgoingMessage } from './driver.ts';

const ENTRY_HEADER = 'dead-letter';
const RESOLUTION_HEADER = 'dead-letter-resolved';
const RAW = 'application/octet-stream';
/** What a message is routed as whose own type could not be read. */
const UNKNOWN_TYPE = 'waggle.unknown.v1';
const MAX_REASON_LENGTH = 1_000;
const MAX_NAME_LENGTH = 500;
/** Of a message that is too large to be kept whole. */
const MOST_KEPT_BYTES = 4_096;
const NOTHING = new Uint8Array();
const LOG = { kind: 'dead-letters' } as const;

/** An entry as it is stored: what `DeadLetter` says, and what it takes to redrive and to resolve it. The body is the message's own. */
interface Entry extends Omit<DeadLetter, 'body'> {
  /** This giving up alone: a message that is redriven can be given up on again, under the same id. */
  readonly occurrence: string;
  /** For the way back. */
  readonly lane: Lane;
}

interface Resolution {
  readonly id: string;
  /** What was known of when it was resolved. */
  readonly occurrences: readonly string[];
  readonly as: 'redriven' | 'discarded';
}

/** Givings up of one consumer on one message that are not resolved, with the last one's entry. */
interface Unresolved {
  readonly entry: Entry;
  /** Not kept where the entry is not asked for. */
  readonly body: Uint8Array;
  readonly isWanted: boolean;
  readonly occurrences: readonly string[];
}

/** What became undeliverable, and why. */
export interface DeadLetterReport extends Pick<
  DeadLetter,
  'consumer' | 'origin' | 'cause' | 'reason' | 'attempts'
> {
  readonly message: IncomingMessage;
  readonly lane: Lane;
  readonly messageId?: string | undefined;
  readonly messageType?: string | undefined;
}

export interface DeadLetterLog extends DeadLetters {
  /** Resolves once the entry is durably held; only then may the original be settled. @throws MessagingError */
  add(report: DeadLetterReport): Promise<void>;
}

/**
 * A log of entries and resolutions, the same on every broker: nothing is ever taken out of it, what is listed is the fold
 * of both. An entry is named after its consumer and message, so that one stored twice, because an acknowledgement
 * was lost after the first, is still one.
 */
export function createDeadLetterLog(driver: BrokerDriver, clock: Clock, ids: Ids): DeadLetterLog {
  async function publishOne(message: OutgoingMessage): Promise<void> {
    const [error] = await driver.publish([message]);
    if (error !== undefined) throw error;
  }

  function append(
    headers: OutgoingMessage['headers'],
    type: string,
    body: Uint8Array = NOTHING,
    contentType = RAW,
  ) {
    const to = { kind: 'dead-letters' } as const;
    return publishOne({ to, lane: 'unordered', type, id: ids.next(), contentType, headers, body });
  }

  function store(entry: Entry, body: Uint8Array, contentType?: string): Promise<void> {
    return append({ [ENTRY_HEADER]: asciiJson(entry) }, 'waggle.dead-letter.v1', body, contentType);
  }

  async function unresolved(filter: DeadLetterFilter): Promise<readonly Unresolved[]> {
    const matches = deadLetterMatcher(filter);
    const found = new Map<string, Unresolved>();
    for await (const { message } of driver.read(LOG, { from: 'beginning', follow: false })) {
      const resolution = message.headers[RESOLUTION_HEADER];
      const stored = message.headers[ENTRY_HEADER];
      if (resolution !== undefined) resolveIn(found, JSON.parse(resolution) as Resolution);
      if (stored === undefined) continue;
      const entry = JSON.parse(stored) as Entry;
      const occurrences = [...(found.get(entry.id)?.occurrences ?? []), entry.occurrence];
      const isWanted = matches(entry); // the last of an id decides
      found.set(entry.id, { entry, body: isWanted ? message.body : NOTHING, isWanted, occurrences });
    }
    return [...found.values()].filter(({ isWanted }) => isWanted);
  }

  async function redriveOne({ entry, body }: Unresolved): Promise<void> {
    const to: Destination =
      entry.origin === 'queue'
        ? { kind: 'queue', context: entry.consumer }
        : { kind: 'group', group: entry.consumer };
    await publishOne({
      to,
      lane: entry.lane,
      type: entry.messageType ?? UNKNOWN_TYPE,
      id: ids.next(), // a broker may drop a second message with the id of the first as a duplicate
      contentType: entry.contentType ?? RAW,
      headers: entry.headers,
      body,
    });
  }

  async function note({ entry, occurrences }: Unresolved, as: Resolution['as']): Promise<void> {
    const resolution: Resolution = { id: entry.id, occurrences, as };
    await append({ [RESOLUTION_HEADER]: asciiJson(resolution) }, 'waggle.dead-letter-resolved.v1');
  }

  async function resolve(
    filter: DeadLetterFilter,
    as: Resolution['as'],
    { dryRun = false }: ResolveOptions = {},
  ): Promise<readonly DeadLetter[]> {
    const found = await unresolved(filter);
    if (as === 'redriven') for (const { entry } of found) refuseCut(entry);
    for (const [index, item] of dryRun ? [] : found.entries()) {
      try {
        if (as === 'redriven') await redriveOne(item);
        await note(item, as);
      } catch (error) {
        throw stoppedAt(item, error, `${index} of ${found.length} were ${as}`);
      }
    }
    return found.map(toDeadLetter);
  }

  return {
    async add({ message, consumer, origin, cause, reason, attempts, lane, ...of }) {
      const messageId = named(of.messageId ?? message.id);
      const messageType = named(of.messageType);
      const entry: Entry = {
        ...{ consumer, origin, cause, attempts, lane },
        id: `${consumer}/${messageId ?? ids.next()}`,
        occurrence: ids.next(),
        reason: reason.slice(0, MAX_REASON_LENGTH),
        time: new Date(clock.now()).toISOString(),
        headers: message.headers,
        ...(messageId !== undefined && { messageId }),
        ...(messageType !== undefined && { messageType }),
        ...(message.contentType !== undefined && { contentType: message.contentType }),
      };
      try {
        await store(entry, message.body, message.contentType);
      } catch (error) {
        const unfit = error instanceof MessagingError && ['too-large', 'invalid'].includes(error.code);
        if (!unfit) throw error;
        // It came from a stranger, or from before a limit was lowered. Kept in part, or it would hold its lane for ever.
        const cut = { ...entry, headers: {}, cutFromBytes: message.body.byteLength };
        await store(cut, message.body.subarray(0, MOST_KEPT_BYTES));
      }
    },
    async list(filter = {}) {
      return (await unresolved(filter)).map(toDeadLetter);
    },
    redrive: (filter, options) => resolve(filter, 'redriven', options),
    discard: (filter, options) => resolve(filter, 'discarded', options),
  };
}

function stoppedAt({ entry }: Unresolved, cause: unknown, done: string): unknown {
  if (!(cause instanceof MessagingError)) return cause;
  const what = cause.message.replace(/^\[waggle\] /, '');
  return new MessagingError(cause.code, `${what} (at ${entry.id}; ${done} before it)`, { cause });
}

function resolveIn(found: Map<string, Unresolved>, { id, occurrences }: Resolution): void {
  const known = found.get(id);
  if (known === undefined) return;
  const left = known.occurrences.filter((occurrence) => !occurrences.includes(occurrence));
  if (left.length === 0) found.delete(id);
  else found.set(id, { ...known, occurrences: left });
}

function refuseCut({ id, cutFromBytes }: Entry): void {
  if (cutFromBytes === undefined) return;
  throw new MessagingError(
    'invalid',
    `${id} cannot be redriven: it had ${cutFromBytes} bytes, more than the broker lets anybody store, and was cut: discard it`,
  );
}

/** A name that a stranger gave, if an entry has room for it. */
function named(name: string | undefined): string | undefined {
  return name !== undefined && name.length <= MAX_NAME_LENGTH ? name : undefined;
}

function toDeadLetter({ entry, body }: Unresolved): DeadLetter {
  const { lane: _, occurrence: __, ...deadLetter } = entry;
  return { ...deadLetter, body };
}

/** JSON in ASCII alone: transports disagree about what else a header may carry. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
