/** Something that happened to a message; the source of logs, metrics and the story that the demo tells. */
export interface Observation {
  readonly what:
    | 'published'
    | 'sent'
    | 'publish-failed'
    | 'handled'
    | 'duplicate'
    | 'retried'
    | 'timed-out'
    | 'dead-lettered'
    | 'skipped'
    /** Of a queue: past its time to live, and not handled. */
    | 'expired'
    /** Discarded by the retention before this consumer came to it. */
    | 'missed';
  /** How many messages it stands for. @default 1 */
  readonly count?: number;
  /** Of the message, where it could be read. */
  readonly id?: string;
  readonly type?: string;
  readonly source?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
  /** The group or queue; absent for what was published or sent. */
  readonly consumer?: string;
  readonly attempt?: number;
  /** How long the handling took, or the confirmation. */
  readonly durationMs?: number;
  /** The whole way: from the message's own `time` to now. */
  readonly ageMs?: number;
  /** Why, for what failed. */
  readonly reason?: string;
}

/** Called for every observation, synchronously; must not throw and should return soon. */
export type Observer = (observation: Observation) => void;
