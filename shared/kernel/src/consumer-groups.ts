import type { StartPosition } from './event-stream.ts';

/** A consumer group, or the one group of a queue, as it stands on the broker. */
export interface GroupState {
  readonly kind: 'group' | 'queue';
  /** `<service>.<handler>`, or the context of the queue. */
  readonly name: string;
  readonly ordering: 'by-key' | 'none';
  readonly types: readonly string[];
  /** Messages that are not settled, over all members. */
  readonly lag: number;
  /** Whether somebody consumes it, or did less than a lease ago. */
  readonly inUse: boolean;
}

/** The consumer groups and queues of a namespace, whoever declared them: for operators, not for services. */
export interface ConsumerGroups {
  /** By kind and name. A group that no handler has any more keeps what it is not told to forget, for ever. */
  list(): Promise<readonly GroupState[]>;
  /**
   * Lets a group begin again at another place; what it has not settled is forgotten, redriven messages included.
   * @throws MessagingError `unroutable` if there is no such group, `conflict` while somebody consumes it, `out-of-range`
   */
  reset(group: string, from: StartPosition): Promise<void>;
  /**
   * Removes a group, or a queue, with what is in it.
   * @throws MessagingError `unroutable` if there is no such thing, `conflict` while somebody consumes it
   */
  delete(state: Pick<GroupState, 'kind' | 'name'>): Promise<void>;
}
