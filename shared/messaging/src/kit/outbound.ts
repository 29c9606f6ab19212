import { MessagingError, type Clock } from '@waggle/kernel';
import type { DriverSettings, OutgoingMessage } from '../driver.ts';
import type { Connector, Outcome } from './connection.ts';
import type { Link } from './link.ts';

/** Most that is sent and not confirmed: enough to keep a broker busy, and a bound for the memory on both sides. */
const MOST_MESSAGES = 2_048;
const MOST_BYTES = 16 * 1_048_576;
/** A broker may write at once, and discard at once, all that is on its way: that is to be a small part of what it keeps. */
const PART_OF_KEPT = 8;

/** What was asked for in one call. */
interface Batch {
  readonly outcomes: Outcome[];
  left: number;
  readonly resolve: (outcomes: readonly Outcome[]) => void;
}

interface Entry {
  readonly message: OutgoingMessage;
  readonly deadlineMs: number;
  readonly batch: Batch;
  readonly index: number;
  /** Which sending of it counts: a confirmation that comes late, from a connection that was lost, does not. */
  sending: number;
}

/** Messages on their way to the broker. */
export interface Outbound {
  /** One outcome a message, in their order; never rejects. */
  publish(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]>;
  /** Sends what waits: there is a connection, or it takes messages again. */
  flush(): void;
  /** What was not confirmed is sent again, before all else, on the next connection. */
  lost(): void;
  /** Waits for what is on its way, until its deadlines. Without a connection nothing is waited for. */
  finish(): Promise<void>;
}

/**
 * Pipelines messages, each under a deadline of `requestTimeoutMs`. Whatever was unconfirmed when a connection was lost is
 * sent again in order, so that of a key the first storings keep their order: stored twice rather than never.
 */
export function createOutbound(
  { requestTimeoutMs, retention }: DriverSettings,
  { name, translate }: Connector,
  clock: Clock,
  link: Link,
): Outbound {
  const mostBytes = Math.min(MOST_BYTES, retention.maxBytes / PART_OF_KEPT);
  let waiting = new Set<Entry>();
  const sent = new Set<Entry>();
  let sentBytes = 0;
  let flushing = false;
  let cancelSweep: (() => void) | undefined;
  let onIdle = (): void => undefined;

  const hasPlace = (): boolean =>
    link.current !== undefined &&
    link.current.isBlocked !== true &&
    sent.size < MOST_MESSAGES &&
    sentBytes < mostBytes;

  /** A message that is settled while it is sent calls again: not one stack frame deeper for each. */
  function flush(): void {
    if (flushing) return;
    flushing = true;
    for (const entry of waiting) {
      if (!hasPlace()) break;
      waiting.delete(entry);
      send(entry);
    }
    flushing = false;
  }

  function send(entry: Entry): void {
    const sending = ++entry.sending;
    sent.add(entry);
    sentBytes += entry.message.body.byteLength;
    try {
      link.current?.publish(entry.message, (outcome) => {
        if (entry.sending === sending) finishOne(entry, outcome);
      });
    } catch (error) {
      finishOne(entry, translate(error, `publishing ${entry.message.type} ${entry.message.id}`));
    }
  }

  function finishOne(entry: Entry, outcome: Outcome): void {
    entry.sending++;
    if (sent.delete(entry)) sentBytes -= entry.message.body.byteLength;
    else waiting.delete(entry);
    settle(entry, outcome);
    if (waiting.size > 0) return flush();
    if (sent.size > 0) return;
    cancelSweep?.();
    cancelSweep = undefined;
    onIdle();
  }

  function settle({ batch, index }: Entry, outcome: Outcome): void {
    batch.outcomes[index] = outcome;
    if (--batch.left === 0) batch.resolve(batch.outcomes);
  }

  function sweep(): void {
    cancelSweep = undefined;
    // First what was not sent: nothing whose time is over takes the place of what times out.
    for (const entry of [...waiting, ...sent]) {
      if (entry.deadlineMs > clock.now()) continue;
      const code = sent.has(entry) && link.current !== undefined ? 'timeout' : 'unavailable';
      const what = code === 'timeout' ? 'not confirmed' : 'not sent';
      const { type, id } = entry.message;
      const error = `[${name}] ${type} ${id} was ${what} within ${requestTimeoutMs} ms`;
      waiting.delete(entry);
      finishOne(entry, new MessagingError(code, error));
    }
    const [oldest] = [...sent, ...waiting];
    if (oldest !== undefined) cancelSweep ??= clock.after(oldest.deadlineMs - clock.now(), sweep);
  }

  return {
    publish(messages) {
      if (messages.length === 0) return Promise.resolve([]);
      const deadlineMs = clock.now() + requestTimeoutMs;
      cancelSweep ??= clock.after(requestTimeoutMs, sweep);
      return new Promise((resolve) => {
        const batch = { outcomes: messages.map(() => undefined), left: messages.length, resolve };
        messages.forEach((message, index) => {
          const entry = { message, deadlineMs, batch, index, sending: 0 };
          if (waiting.size === 0 && hasPlace()) send(entry);
          else waiting.add(entry);
        });
      });
    },
    flush,
    lost() {
      for (const entry of sent) entry.sending++;
      waiting = new Set([...sent, ...waiting]);
      sent.clear();
      sentBytes = 0;
    },
    async finish() {
      if (sent.size + waiting.size === 0) return;
      if (link.current !== undefined) await new Promise<void>((resolve) => (onIdle = resolve));
      const closed = new MessagingError(
        'closed',
        `[${name}] the driver was closed before it was connected again`,
      );
      for (const entry of waiting) finishOne(entry, closed);
    },
  };
}
