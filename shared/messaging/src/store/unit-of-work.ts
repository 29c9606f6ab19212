import type { Inbox, Transaction, UnitOfWork } from '@waggle/kernel';
import { MessagingError, Reject, VersionConflict } from '@waggle/kernel';
import type { Changes, CommitOutcome } from './store.ts';
import type { TransactionOptions } from './transaction.ts';
import { createTransaction } from './transaction.ts';

const TRIES = 10;

/** Handlings of one message that ended with their process: after so many it is given up, before it ends more of them. */
const MOST_CRASHES = 3;

const NOTHING: CommitOutcome = { outcome: 'committed', versions: [] };

/** A unit of work that can also remember which message it is the effect of. */
export interface InboxUnitOfWork extends UnitOfWork, Inbox {}

/** Collects what the work wants written and commits it in one go, so that no other request can get in between. */
export function createUnitOfWork(options: TransactionOptions): InboxUnitOfWork {
  const { store, service, clock } = options;

  async function attempt<Result>(
    work: (tx: Transaction) => Promise<Result>,
    inbox?: Changes['inbox'],
    signal?: AbortSignal,
  ) {
    const { tx, changes, end } = createTransaction(options);
    const result = await work(tx).finally(end);
    signal?.throwIfAborted();
    const wanted = changes();
    const committed =
      inbox === undefined && isEmpty(wanted) ? NOTHING : await store.commit(service, { ...wanted, inbox });
    return { result, wanted, committed };
  }

  async function untilCommitted<Result>(...args: Parameters<typeof attempt<Result>>) {
    for (let tries = 1; ; tries++) {
      const { result, wanted, committed } = await attempt(...args);
      if (committed.outcome !== 'conflict') return { result, outcome: committed.outcome };
      if (tries < TRIES) continue;
      throw lostRace(service, wanted, committed);
    }
  }

  /** @throws Reject for what kills the process that handles it, again and again */
  async function refuseCrashLoop(consumer: string, messageId: string): Promise<boolean> {
    const { handled, started, failed } = await store.startHandling(consumer, messageId, clock.now());
    const crashes = started - 1 - failed;
    if (handled || crashes < MOST_CRASHES) return handled;
    throw new Reject(
      `${started} handlings began and only ${failed} ended: each of the others ended with its process`,
    );
  }

  return {
    run: async (work) => (await untilCommitted(work)).result,
    async runOnce({ consumer, messageId, attempt: count }, signal, work) {
      const had =
        count > 1 ? await refuseCrashLoop(consumer, messageId) : await store.handled(consumer, messageId);
      if (had) return 'duplicate';
      try {
        const { outcome } = await untilCommitted(work, { consumer, messageId }, signal);
        return outcome === 'duplicate' ? 'duplicate' : 'done';
      } catch (error) {
        // Only a hint: without it a message is given up some crashes earlier.
        if (count > 1) await store.failHandling(consumer, messageId, clock.now()).catch(() => undefined);
        throw error;
      }
    },
  };
}

function isEmpty({ documents = [], streams = [], outbox = [], schedule = [] }: Changes): boolean {
  return documents.length + streams.length + outbox.length + schedule.length === 0;
}

function lostRace(
  service: string,
  { streams = [] }: Changes,
  { stream: lost }: Extract<CommitOutcome, { outcome: 'conflict' }>,
): MessagingError {
  const write = lost && streams[lost.index];
  if (lost !== undefined && write !== undefined)
    return new VersionConflict(write.stream, write.expected, lost.actual);
  return new MessagingError(
    'conflict',
    `${service}: ${TRIES} tries each lost the race for the same document: try again later`,
  );
}
