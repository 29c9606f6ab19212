import { setTimeout as delay } from 'node:timers/promises';
import type { CloudEvent } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import type { Bench, Member } from './bench.ts';
import { CONTEXT, event } from './messages.ts';

const PAUSE_MS = 10;

/** Publishes until it is confirmed, as an outbox relay does. @throws what trying again would not help, or the last failure */
export async function insist(bench: Bench, publish: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + bench.deadlineMs;
  for (;;) {
    try {
      return await publish();
    } catch (error) {
      const mayHelp = error instanceof MessagingError && error.retryable;
      if (!mayHelp || performance.now() > deadline) throw error;
      await delay(PAUSE_MS);
    }
  }
}

/** What was confirmed so far, in the order of publishing within each key. */
export interface Traffic {
  readonly events: readonly CloudEvent[];
  readonly commands: readonly CloudEvent[];
  /** Resolves when `count` more of each key were confirmed. */
  more(count: number): Promise<void>;
  /** Resolves when nothing more is on its way. */
  stop(): Promise<void>;
}

/** Events and commands of each key, the next when the one before is confirmed, until it is stopped. */
export function startTraffic(bench: Bench, { messaging }: Member, keys: readonly string[]): Traffic {
  const events: CloudEvent[] = [];
  const commands: CloudEvent[] = [];
  const rounds = bench.collector<string>();
  let stopped = false;

  async function drive(partitionkey: string): Promise<void> {
    for (let index = 0; !stopped; index++) {
      const happened = event({ partitionkey, data: { index } });
      const asked = event({ partitionkey, data: { index }, type: `${CONTEXT}.do-thing.v1` });
      await insist(bench, () => messaging.events.publish(happened));
      events.push(happened);
      await insist(bench, () => messaging.queue.send(asked));
      commands.push(asked);
      rounds.add(partitionkey);
      await delay(PAUSE_MS);
    }
  }

  const driving = Promise.all(keys.map(drive));
  driving.catch(() => undefined); // told by stop
  bench.atEnd(async () => void (stopped = true));
  return {
    events,
    commands,
    async more(count) {
      const counted = (key: string): number => rounds.items.filter((item) => item === key).length;
      const goals = new Map(keys.map((key) => [key, counted(key) + count]));
      const done = (): boolean => keys.every((key) => counted(key) >= (goals.get(key) ?? 0));
      await Promise.race([rounds.until(done, `${count} more of each key`), driving]);
    },
    async stop() {
      stopped = true;
      await bench.within(driving, 'the last publish');
    },
  };
}

/** For each key the ids in the order in which they were first handled. */
export function firstHandlings(
  handled: readonly { readonly id: string }[],
  sent: readonly CloudEvent[],
): ReadonlyMap<string, readonly string[]> {
  const keys = new Map(sent.map(({ id, partitionkey = '' }) => [id, partitionkey]));
  const order = new Map<string, string[]>();
  for (const id of new Set(handled.map((each) => each.id))) {
    const key = keys.get(id);
    if (key === undefined) continue; // stored, but not confirmed
    order.set(key, [...(order.get(key) ?? []), id]);
  }
  return order;
}
