import { addedBy, type Added, type Changes, type CommitOutcome } from '@waggle/messaging';
import type { Connection } from './sqlite-connection.ts';

/** Everything is checked before anything is written; all of it inside a transaction of the caller. */
export function applyChanges(
  to: Connection,
  scope: string,
  changes: Changes,
): { readonly outcome: CommitOutcome; readonly added: readonly Added[] } {
  const { timeMs, streams = [], documents = [], outbox = [], schedule = [], inbox } = changes;
  if (inbox !== undefined && to.inbox.isHandled(inbox.consumer, inbox.messageId))
    return { outcome: { outcome: 'duplicate' }, added: [] };
  const judged = to.streams.judge(scope, streams);
  if (judged.conflict !== undefined)
    return { outcome: { outcome: 'conflict', stream: judged.conflict }, added: [] };
  if (!to.documents.areCurrent(scope, documents)) return { outcome: { outcome: 'conflict' }, added: [] };

  const outcome: CommitOutcome = {
    outcome: 'committed',
    versions: judged.versions.map(({ after }) => after),
  };
  if (judged.isRepeat) return { outcome, added: [] };
  to.streams.write(scope, streams, judged, timeMs);
  to.documents.write(scope, documents);
  to.outbox.add(outbox);
  to.outbox.schedule(scope, schedule);
  if (inbox !== undefined) to.inbox.finish(inbox.consumer, inbox.messageId, timeMs);
  return { outcome, added: addedBy(changes) };
}
