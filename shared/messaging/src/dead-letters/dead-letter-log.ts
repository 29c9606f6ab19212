import { createHash } from 'node:crypto';
import type { Clock, DeadLetter, DeadLetterFilter, DeadLetters, Ids, ResolveOptions } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { UNKNOWN_CONTENT, UNKNOWN_TYPE } from '../codec.ts';
import { deadLetterMatcher } from './filter.ts';
import type { Entry, Known, Notes } from './fold.ts';
import { ENTRY_HEADER, foldDeadLetters, noteOf } from './fold.ts';
import type { BrokerDriver, Destination, IncomingMessage, Lane, OutgoingMessage } from '../driver.ts';

const MAX_REASON_LENGTH = 1_000;
const MAX_NAME_LENGTH = 500;
/** Of a message that is too large to be kept whole. */
const MOST_KEPT_BYTES = 4_096;
const NOTHING = new Uint8Array();
const LOG = { kind: 'dead-letters' } as const;

/** What became undeliverable, and why. */
export interface DeadLetterReport extends Pick<
  DeadLetter,
  'consumer' | 'origin' | 'cause' | 'reason' | 'attempts'
> {
  readonly message: IncomingMessage;
  readonly lane: Lane;
  readonly messageId?: string | undefined;
  readonly messageType?: string | undefined;
  /** It stays at the head of its lane, unsettled. */
  readonly held: boolean;
}

/** What the log knows of the held ones of a consumer, by lane, resolved or not. */
export interface HeldMessages {
  readonly byLane: ReadonlyMap<Lane, Known>;
  /** How far the log was read. */
  readonly position: string | undefined;
}

export interface DeadLetterLog extends DeadLetters {
  /** Resolves once the entry is durably held; only then may the original be settled. @throws MessagingError */
  add(report: DeadLetterReport): Promise<void>;
  /** As of now, over all members. Reads the whole log. @throws MessagingError */
  held(consumer: string): Promise<HeldMessages>;
  /** Resolves once it is durably noted. @throws MessagingError */
  note<Name extends keyof Notes>(name: Name, note: Notes[Name]): Promise<void>;
  /** Tells the ids of what is resolved behind `position`, until the signal aborts. @throws MessagingError */
  watch(position: string | undefined, resolved: (id: string) => void, signal: AbortSignal): Promise<void>;
}

/**
 * The id of an entry: who gave up, and on what. What is held is recognised by it when it comes again, so without an id of its
 * own it is told by its body.
 */
export function entryId(consumer: string, messageId: string | undefined, body: Uint8Array): string {
  return `${consumer}/${named(messageId) ?? createHash('sha256').update(body).digest('base64url')}`;
}

/**
 * A log of entries and of what became of them, the same on every broker: nothing is ever taken out of it, what is listed is
 * the fold of both. An entry is named after its consumer and message, so that one stored twice, because an acknowledgement
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
    contentType = UNKNOWN_CONTENT,
  ) {
    return publishOne({ to: LOG, lane: 'unordered', type, id: ids.next(), contentType, headers, body });
  }

  function store(entry: Entry, body: Uint8Array, contentType?: string): Promise<void> {
    return append({ [ENTRY_HEADER]: asciiJson(entry) }, 'waggle.dead-letter.v1', body, contentType);
  }

  function note<Name extends keyof Notes>(name: Name, said: Notes[Name]): Promise<void> {
    return append({ [name]: asciiJson(said) }, `waggle.${name}.v1`);
  }

  async function unresolved(filter: DeadLetterFilter): Promise<readonly Known[]> {
    const { known } = await foldDeadLetters(driver, deadLetterMatcher(filter));
    return known.filter(({ isWanted, occurrences }) => isWanted && occurrences.length > 0);
  }

  /** What is held needs no copy: whoever has it looks what became of it. */
  async function redriveOne({ entry, body, isHeld }: Known): Promise<void> {
    if (isHeld) return void (await driver.lag({ kind: 'group', group: entry.consumer })); // there is somebody to
    const to: Destination =
      entry.origin === 'queue'
        ? { kind: 'queue', context: entry.consumer }
        : { kind: 'group', group: entry.consumer };
    await publishOne({
      to,
      lane: entry.lane,
      type: entry.messageType ?? UNKNOWN_TYPE,
      id: ids.next(), // a broker may drop a second message with the id of the first as a duplicate
      contentType: entry.contentType ?? UNKNOWN_CONTENT,
      headers: entry.headers,
      body,
    });
  }

  async function resolve(
    filter: DeadLetterFilter,
    as: 'redriven' | 'discarded',
    { dryRun = false }: ResolveOptions = {},
  ): Promise<readonly DeadLetter[]> {
    const found = await unresolved(filter);
    if (as === 'redriven') found.forEach(refuseCut);
    for (const [index, item] of dryRun ? [] : found.entries()) {
      try {
        if (as === 'redriven') await redriveOne(item);
        const { entry, occurrences, isHeld: inPlace } = item;
        await note('dead-letter-resolved', { id: entry.id, occurrences, as, inPlace });
      } catch (error) {
        throw stoppedAt(item, error, `${index} of ${found.length} were ${as}`);
      }
    }
    return found.map(toDeadLetter);
  }

  return {
    async add({ message, consumer, origin, cause, reason, attempts, lane, held, ...of }) {
      const messageId = named(of.messageId ?? message.id);
      const messageType = named(of.messageType);
      const entry: Entry = {
        ...{ consumer, origin, cause, attempts, lane },
        id:
          messageId === undefined && !held
            ? `${consumer}/${ids.next()}`
            : entryId(consumer, messageId, message.body),
        occurrence: ids.next(),
        reason: reason.slice(0, MAX_REASON_LENGTH),
        time: new Date(clock.now()).toISOString(),
        headers: message.headers,
        ...(held && { held }),
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
    note,
    async held(consumer) {
      const { known, position } = await foldDeadLetters(driver, () => false);
      const ofConsumer = known.filter(({ entry, isHeld }) => isHeld && entry.consumer === consumer);
      return { byLane: new Map(ofConsumer.map((each) => [each.entry.lane, each])), position };
    },
    async watch(position, resolved, signal) {
      const from = position === undefined ? 'beginning' : { after: position };
      for await (const { message } of driver.read(LOG, { from, follow: true, signal })) {
        const id = noteOf(message, 'dead-letter-resolved')?.id;
        if (id !== undefined) resolved(id);
      }
    },
    redrive: (filter, options) => resolve(filter, 'redriven', options),
    discard: (filter, options) => resolve(filter, 'discarded', options),
  };
}

function stoppedAt({ entry }: Known, cause: unknown, done: string): unknown {
  if (!(cause instanceof MessagingError)) return cause;
  return new MessagingError(cause.code, `${cause.reason} (at ${entry.id}; ${done} before it)`, { cause });
}

function refuseCut({ entry: { id, cutFromBytes }, isHeld }: Known): void {
  if (cutFromBytes === undefined || isHeld) return;
  throw new MessagingError(
    'invalid',
    `${id} cannot be redriven: it had ${cutFromBytes} bytes, more than the broker lets anybody store, and was cut: discard it`,
  );
}

/** A name that a stranger gave, if an entry has room for it. */
function named(name: string | undefined): string | undefined {
  return name !== undefined && name.length <= MAX_NAME_LENGTH ? name : undefined;
}

function toDeadLetter({ entry, body, isHeld }: Known): DeadLetter {
  const { lane: _, occurrence: __, held: ___, ...deadLetter } = entry;
  return { ...deadLetter, ...(isHeld && { held: true }), body };
}

/** JSON in ASCII alone: transports disagree about what else a header may carry. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
