export type { Backoff } from './backoff.ts';
export { STRUCTURED, decode, encode, Undecodable } from './codec.ts';
export { parseTime } from './expiry.ts';
export { delayLevel, usualDelayLevels } from './delay-levels.ts';
export type * from './driver.ts';
export { fnv1a, laneOf } from './lanes.ts';
export type { MessageContext } from './message-context.ts';
export { currentMessageContext, inMessageContext } from './message-context.ts';
export type { Messaging, MessagingOptions } from './messaging.ts';
export { createMessaging } from './messaging.ts';
export type { CopyEnd, CopyOptions, CopyReport } from './copy/copy-stream.ts';
export { copyStream } from './copy/copy-stream.ts';
export type { Middleware } from './middleware.ts';
export { groupDeclaration } from './event-stream.ts';
export type { Publisher, Publishing } from './publisher.ts';
export type * from './store/store.ts';
export { seededRandom } from './seeded-random.ts';
export { randomIds, systemClock } from './system.ts';
export type { VirtualClock } from './virtual-clock.ts';
export { virtualClock } from './virtual-clock.ts';
export type * from './kit/connection.ts';
export { checkDeclared } from './kit/check.ts';
export type { Corkable } from './kit/coalesce-writes.ts';
export { coalesceWrites } from './kit/coalesce-writes.ts';
export { createCumulativeAcks } from './kit/cumulative-acks.ts';
export { createDriver } from './kit/create-driver.ts';
export type { Enrolment } from './kit/enrolment.ts';
export { describeEnrolment } from './kit/enrolment.ts';
export { createLaneShare } from './kit/lane-share.ts';
export type { Registry, RegistryEntries, RegistryLog } from './kit/registry.ts';
export { createRegistry, existing } from './kit/registry.ts';
export type { Settlement } from './kit/settle-once.ts';
export { SettleOnce } from './kit/settle-once.ts';
export { nameOf, titleOf } from './kit/source.ts';
export type { Span } from './kit/trail.ts';
export { countBefore, Trail } from './kit/trail.ts';
export { abortable, pause, persist, reconnectDelayMs, within } from './kit/waiting.ts';
export { childTraceparent, parseTraceparent } from './trace-context.ts';
export { neverThrowing } from './observing.ts';
export type { TransactionalHandler } from './store/inbox.ts';
export { exactlyOnce } from './store/inbox.ts';
export type { Relay, RelayOptions } from './store/relay.ts';
export { createRelay } from './store/relay.ts';
export type { TransactionOptions } from './store/transaction.ts';
export type { InboxUnitOfWork } from './store/unit-of-work.ts';
export { createUnitOfWork } from './store/unit-of-work.ts';
export type { EventStoreOptions } from './store/event-store.ts';
export { createEventStore } from './store/event-store.ts';
export { checkpoints } from './store/checkpoints.ts';
export { addedBy } from './store/added.ts';
export { PARTITIONS, partitionOf } from './store/partitions.ts';
export type { Shares, SharesOptions } from './store/shares.ts';
export { createShares } from './store/shares.ts';
export { brokerDriver, store } from './identifiers.ts';
export type { ConnectionPlan } from './connection-security.ts';
export {
  caFile,
  certFile,
  checkConnection,
  cleartext,
  isLoopback,
  isUntrusted,
  keyFile,
  readText,
  warningOf,
} from './connection-security.ts';
