import type { Clock, DeadLetter, DeadLetterFilter, DeadLetters, Ids } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import type { BrokerDriver, Destination, IncomingMessage, Lane, OutgoingMessage } from './driver.ts';

const ENTRY_HEADER = 'dead-letter';
const RESOLUTION_HEADER = 'dead-letter-resolved';
const RAW = 'application/octet-stream';
/** What a message is routed as whose own type could not be read. */
const UNKNOWN_TYPE = 'waggle.unknown.v1';
const MAX_REASON_LENGTH = 1_000;

/** An entry as it is stored: what `DeadLetter` says, and the lane for the way back. The body is the message's own. */
interface Entry extends Omit<DeadLetter, 'body'> {
  readonly lane: Lane;
}

type Resolution = { readonly id: string; readonly as: 'redriven' | 'discarded' };

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
  async function append(
    header: string,
    value: Entry | Resolution,
    type: string,
    body: Uint8Array,
    contentType = RAW,
  ) {
    const headers = { [header]: asciiJson(value) };
    await publishOne({
      to: { kind: 'dead-letters' },
      lane: 'unordered',
      type,
      id: ids.next(),
      contentType,
      headers,
      body,
    });
  }

  async function publishOne(message: OutgoingMessage): Promise<void> {
    const [error] = await driver.publish([message]);
    if (error !== undefined) throw error;
  }

  async function unresolved(
    filter: DeadLetterFilter,
  ): Promise<Map<string, { entry: Entry; body: Uint8Array }>> {
    checkFilter(filter);
    const entries = new Map<string, { entry: Entry; body: Uint8Array }>();
    for await (const { message } of driver.read(
      { kind: 'dead-letters' },
      { from: 'beginning', follow: false },
    )) {
      const resolution = message.headers[RESOLUTION_HEADER];
      const stored = message.headers[ENTRY_HEADER];
      if (resolution !== undefined) entries.delete((JSON.parse(resolution) as Resolution).id);
      if (stored === undefined) continue;
      const entry = JSON.parse(stored) as Entry;
      if (matches(filter, entry)) entries.set(entry.id, { entry, body: message.body });
    }
    return entries;
  }

  async function redriveOne({ entry, body }: { entry: Entry; body: Uint8Array }): Promise<void> {
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

  async function resolve(id: string, as: Resolution['as']): Promise<void> {
    await append(RESOLUTION_HEADER, { id, as }, 'waggle.dead-letter-resolved.v1', new Uint8Array());
  }

  return {
    async add({ message, messageId, messageType, reason, ...report }) {
      const entry: Entry = {
        ...report,
        id: `${report.consumer}/${messageId ?? message.id ?? ids.next()}`,
        reason: reason.slice(0, MAX_REASON_LENGTH),
        time: new Date(clock.now()).toISOString(),
        headers: message.headers,
        ...(messageId !== undefined && { messageId }),
        ...(messageType !== undefined && { messageType }),
        ...(message.contentType !== undefined && { contentType: message.contentType }),
      };
      await append(ENTRY_HEADER, entry, 'waggle.dead-letter.v1', message.body, message.contentType);
    },
    async list(filter = {}) {
      return [...(await unresolved(filter)).values()].map(toDeadLetter);
    },
    async redrive(filter, { dryRun = false } = {}) {
      const found = [...(await unresolved(filter)).values()];
      if (!dryRun) {
        for (const item of found) {
          await redriveOne(item);
          await resolve(item.entry.id, 'redriven');
        }
      }
      return found.map(toDeadLetter);
    },
    async discard(filter) {
      const found = [...(await unresolved(filter)).values()];
      for (const { entry } of found) await resolve(entry.id, 'discarded');
      return found.map(toDeadLetter);
    },
  };
}

function toDeadLetter({ entry, body }: { entry: Entry; body: Uint8Array }): DeadLetter {
  const { lane: _, ...deadLetter } = entry;
  return { ...deadLetter, body };
}

/** @throws MessagingError `invalid`, so that a misspelt filter does not mean everything, or nothing */
function checkFilter(filter: DeadLetterFilter): void {
  for (const name of Object.keys(filter)) {
    if (!['id', 'consumer', 'messageType', 'cause'].includes(name)) {
      throw new MessagingError(
        'invalid',
        `dead letters cannot be filtered by "${name}": use id, consumer, messageType or cause`,
      );
    }
  }
}

function matches(filter: DeadLetterFilter, entry: Entry): boolean {
  return (Object.keys(filter) as (keyof DeadLetterFilter)[]).every(
    (name) => filter[name] === undefined || filter[name] === entry[name],
  );
}

/** JSON in ASCII alone: transports disagree about what else a header may carry. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
