import { decodeIfEvent, UNKNOWN_CONTENT, UNKNOWN_TYPE } from '../codec.ts';
import type { CopyMark } from './mark.ts';
import { markHeader } from './mark.ts';
import type { LogEntry, OutgoingMessage } from '../driver.ts';
import { laneOf } from '../lanes.ts';
import { hintsOf } from '../publisher.ts';

const HEADER_NAME = /^(?!waggle-)[a-z0-9-]+$/;

export interface Copied {
  readonly message: OutgoingMessage;
  /** Of its event; what has none, or cannot be read, has no order. */
  readonly key: string | undefined;
  readonly position: string;
  /** Names of headers that cannot be carried. */
  readonly dropped: readonly string[];
}

/** The same event for another log, not marked yet. What a foreign producer left out is taken from the event itself. */
export function copyOf({ message, position }: LogEntry, lanes: number): Copied {
  const event = decodeIfEvent(message);
  const key = event?.partitionkey;
  const named = Object.entries(message.headers);
  const headers = Object.fromEntries(named.filter(([name]) => HEADER_NAME.test(name)));
  return {
    key,
    position,
    dropped: named.map(([name]) => name).filter((name) => !HEADER_NAME.test(name)),
    message: {
      to: { kind: 'stream' },
      lane: laneOf(key, lanes),
      type: message.type ?? event?.type ?? UNKNOWN_TYPE,
      id: message.id ?? event?.id ?? `copied-${position}`,
      contentType: message.contentType ?? UNKNOWN_CONTENT,
      headers,
      hints: hintsOf(event ?? {}),
      body: message.body,
    },
  };
}

export function marked({ message, position }: Copied, of: Omit<CopyMark, 'position'>): OutgoingMessage {
  return { ...message, headers: { ...message.headers, ...markHeader({ ...of, position }) } };
}
