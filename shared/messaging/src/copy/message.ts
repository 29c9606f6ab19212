import type { CloudEvent } from '@waggle/kernel';
import { decode, Undecodable } from '../codec.ts';
import type { CopyMark } from './mark.ts';
import { markHeader } from './mark.ts';
import type { LogEntry, OutgoingMessage } from '../driver.ts';
import { laneOf } from '../lanes.ts';

const HEADER_NAME = /^(?!waggle-)[a-z0-9-]+$/;
const RAW = 'application/octet-stream';
/** What a message is routed as whose type nobody can read. */
const UNKNOWN_TYPE = 'waggle.unknown.v1';

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
  const event = read(message);
  const key = event?.partitionkey;
  const timeMs = Date.parse(event?.time ?? '');
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
      contentType: message.contentType ?? RAW,
      headers,
      hints: {
        ...(Number.isFinite(timeMs) && { timeMs }),
        ...(event?.correlationid !== undefined && { correlationId: event.correlationid }),
      },
      body: message.body,
    },
  };
}

export function marked({ message, position }: Copied, of: Omit<CopyMark, 'position'>): OutgoingMessage {
  return { ...message, headers: { ...message.headers, ...markHeader({ ...of, position }) } };
}

function read(message: LogEntry['message']): CloudEvent | undefined {
  try {
    return decode(message);
  } catch (error) {
    if (error instanceof Undecodable) return undefined;
    throw error;
  }
}
