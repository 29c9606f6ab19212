import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MessagingError } from '@waggle/kernel';
import type { Added, Store, StoreSettings } from '@waggle/messaging';
import { joinNeighbours, type Neighbours } from './neighbours.ts';
import { applyChanges } from './sqlite-commit.ts';
import { connect, type Connection, type Synchronous } from './sqlite-connection.ts';
import { isBusy, translate } from './sqlite-errors.ts';

export interface SqliteStoreOptions {
  /** On a disk of this machine. Made if it is missing, and its folder too, where the topology is `declare`. */
  readonly file: string;
  /** `normal`: what was committed survives the death of the process; `full`: also that of the machine. */
  readonly synchronous: Synchronous;
  readonly settings: StoreSettings;
}

/** The longest pause between two tries while another process writes. */
const MOST_PAUSE_MS = 50;

/**
 * One file. Each commit is one transaction that is begun, written and ended without anything awaited, so that one connection is
 * enough: whatever else this process wants comes before it or after it. While another process writes, it waits up to
 * `requestTimeoutMs` and does not hold up anything else.
 */
export function createSqliteStore({ file: name, synchronous, settings }: SqliteStoreOptions): Store {
  const file = resolve(name);
  const listeners = new Set<(added: Added) => void>();
  let status: 'not open yet' | 'opening' | 'closed' = 'not open yet';
  let connection: Connection | undefined;
  let neighbours: Neighbours | undefined;

  const hear = (added: Added): void => {
    for (const wake of listeners) queueMicrotask(() => wake(added));
  };

  function start(): void {
    if (status === 'closed') throw closed(status); // while this waited for the lock
    if (connection !== undefined) return;
    connection = connect(file, synchronous, settings);
    neighbours = joinNeighbours(connection.realPath, hear);
  }

  /** Does it at once, as SQLite is synchronous here; again after a pause for as long as somebody else has the lock. */
  async function patiently<Result>(what: string, attempt: () => Result): Promise<Result> {
    let deadlineMs: number | undefined;
    for (let pauseMs = 1; ; pauseMs = Math.min(MOST_PAUSE_MS, pauseMs * 2)) {
      try {
        return attempt();
      } catch (error) {
        const nowMs = performance.now();
        deadlineMs ??= nowMs + settings.requestTimeoutMs;
        if (!isBusy(error) || nowMs >= deadlineMs) throw translate(error, file, what);
      }
      await pause(pauseMs);
    }
  }

  const use = <Result>(what: string, action: (open: Connection) => Result): Promise<Result> =>
    patiently(what, () => {
      if (connection === undefined) throw closed(status === 'closed' ? status : 'not open yet');
      return action(connection);
    });

  return {
    open() {
      if (connection === undefined) status = 'opening';
      return patiently('open', start);
    },
    check: () => use('check', (open) => open.check()),
    async close() {
      status = 'closed';
      const open = connection;
      connection = undefined;
      neighbours?.leave();
      await patiently('close', () => open?.close());
    },

    get: (scope, collection, id) => use('read', ({ documents }) => documents.get(scope, collection, id)),
    list: (scope, collection) => use('read', ({ documents }) => documents.list(scope, collection)),
    readStream: (scope, stream, range) => use('read', ({ streams }) => streams.read(scope, stream, range)),
    readAll: (scope, { after, category, limit }) =>
      use('read', ({ streams }) => streams.readAll(scope, after, category, limit)),
    async commit(scope, changes) {
      const { outcome, added } = await use('commit', (open) =>
        open.atomically(
          () => applyChanges(open, scope, changes),
          (result) => result.outcome.outcome === 'committed',
        ),
      );
      for (const each of added) neighbours?.tell(each);
      return outcome;
    },

    handled: (consumer, messageId) => use('read', ({ inbox }) => inbox.isHandled(consumer, messageId)),
    startHandling: (consumer, messageId, timeMs) =>
      // With a commit of its own: what went wrong with that of a statement that gives a row would not be told.
      use('note a handling', ({ atomically, inbox }) =>
        atomically(() => inbox.start(consumer, messageId, timeMs)),
      ),
    failHandling: (consumer, messageId, timeMs) =>
      use('note a handling', ({ inbox }) => inbox.fail(consumer, messageId, timeMs)),
    forgetHandled: (beforeMs) => use('forget', ({ inbox }) => inbox.forget(beforeMs)),

    outbox: ({ after, limit, partitions }) =>
      use('read', ({ outbox }) => outbox.read(after, limit, partitions)),
    removeFromOutbox: (positions) => use('forget', ({ outbox }) => outbox.remove(positions)),
    async releaseDue(nowMs, limit) {
      const { released, nextMs } = await use('release', ({ outbox }) => outbox.releaseDue(nowMs, limit));
      if (released) neighbours?.tell('outbox');
      return { nextMs };
    },
    onCommit(wake) {
      const listener = (added: Added): void => wake(added);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function closed(status: string): MessagingError {
  return new MessagingError('closed', `[sqlite] the store is ${status}`);
}
