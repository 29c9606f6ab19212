import type { Added, Changes } from './store.ts';

/** What a commit of these changes adds to, for `Store.onCommit`. */
export function addedBy({ streams = [], outbox = [], schedule = [] }: Changes): readonly Added[] {
  const added: Added[] = [];
  if (streams.some(({ events }) => events.length > 0)) added.push('events');
  if (outbox.length > 0) added.push('outbox');
  if (schedule.length > 0) added.push('schedule');
  return added;
}
