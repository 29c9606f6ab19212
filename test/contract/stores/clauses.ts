/**
 * What a store must keep, clause by clause. A letter is a group, a number the place in it; ids are never reused. Every test of
 * the suite carries the id of the clause that it proves.
 */
export const storeClauses = {
  L2: 'scheduled messages are not early, and leave once',
  L3: 'scheduled messages survive a restart',
  L4: 'scheduled messages can be cancelled and rescheduled',
  L5: 'two scheduled messages of one type do not replace each other',
  M1: 'Exact: the version that the stream has, and no other',
  M2: 'NoStream, StreamExists and Any',
  M3: 'the error carries expected and actual',
  M4: 'of appends that race for one version one wins',
  M5: 'parallel appends to Any all succeed, contiguous',
  M6: 'of parallel appends to NoStream one wins',
  M7: 'a batch is all or nothing, over several streams as well',
  M8: 'the same ids again are idempotent, and ids are unique',
  M9: 'metadata, unicode, 1 MB and big integers survive; what JSON cannot say is refused',
  M10: 'forwards, backwards, from, to, limit, past the head',
  M11: 'what a service keeps is its own; categories',
  M12: 'read all gives each event once and every stream in order, while many write',
  M13: 'read all loses nothing under slow and rolled-back transactions',
  M14: 'read all keeps the order of a stream when a transaction wrote something else first',
  M15: 'partitions are disjoint and complete',
  M16: 'what is truncated is gone, and the version stays',
  M17: 'checkpoints: compare-and-set with fencing',
  M18: 'upcasters on every read path',
  M19: 'append, state, outbox and inbox in one unit of work, together or not at all',
  M20: 'documents: one winner a race, nothing is overwritten unseen',
  M21: 'not open, closed, closed twice, opened again: typed errors, and nothing is lost',
  M22: 'whoever follows is woken by commits of others',
  M23: 'a snapshot with another schema version is ignored',
  N1: 'order per key with several relays, each message once while none dies',
  N2: 'what a dead relay held is taken over',
  N3: 'the inbox key is (consumer, message id) and drops every repeat',
  N4: 'a full outbox and a full inbox do not slow it down',
  N5: 'a relay that dies between any two steps loses nothing and turns nothing round',
  N6: 'a message whose handlings end with their process is given up, and told from one that fails',
  N7: 'what the inbox knows is forgotten after its time, not before',
} as const;

export type StoreClauseId = keyof typeof storeClauses;
