/** Why a message was given up on. */
export type DeadLetterCause = 'rejected' | 'attempts-exhausted' | 'undecodable' | 'schema' | 'unhandled';

/** A message that was given up on, kept to be looked at and redriven. */
export interface DeadLetter {
  /** Identifies this entry. */
  readonly id: string;
  /** The group that gave up, or the context of the queue. */
  readonly consumer: string;
  readonly origin: 'stream' | 'queue';
  readonly cause: DeadLetterCause;
  /** For people: what the handler said, or what was wrong with the bytes. */
  readonly reason: string;
  /** Handlings that started; 0 where none could. */
  readonly attempts: number;
  /** When it was given up on; RFC 3339, UTC. */
  readonly time: string;
  /** Id and type of the message, where they could be read. */
  readonly messageId?: string;
  readonly messageType?: string;
  /** The message as it came: its headers and its raw body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body: Uint8Array;
  /**
   * How many bytes its body had, where the message was larger than the broker lets anybody store: then only the beginning
   * of the body is kept, without headers, and unless it is held it cannot be redriven.
   */
  readonly cutFromBytes?: number;
  /**
   * It still stands at the head of its lane, whose later events wait (`afterDeadLetter: 'halt'`): redriven it is handled there,
   * whole, and discarded it lets them go on. @default false
   */
  readonly held?: boolean;
}

/** Narrows down dead letters; what is left out matches all. */
export interface DeadLetterFilter {
  readonly id?: string | undefined;
  readonly consumer?: string | undefined;
  readonly messageType?: string | undefined;
  readonly cause?: DeadLetterCause | undefined;
  /** Part of the reason, whatever the case of its letters. */
  readonly reason?: string | undefined;
  /** Given up on then or later; RFC 3339. */
  readonly since?: string | undefined;
  /** Given up on earlier than that; RFC 3339. */
  readonly before?: string | undefined;
}

export interface ResolveOptions {
  /** Nothing happens but that it is told what would. @default false */
  readonly dryRun?: boolean;
}

/** The dead letters of a namespace, the same on every broker. A filter that cannot be understood is `invalid`. */
export interface DeadLetters {
  /** What is still unresolved, oldest first. */
  list(filter?: DeadLetterFilter): Promise<readonly DeadLetter[]>;
  /**
   * Gives each back to the group that gave up on it, and to no other; attempts start again at 1. Returns what was, or
   * would be, redriven. Resolved only after the broker confirmed; when one of several fails, those before it were redriven,
   * which the error says, and are not listed any more. What is held is handled in its place, when its consumer next looks.
   * @throws MessagingError `invalid`, before anything is done, if one of them was too large to be kept whole; `unroutable`
   * if the group is no more
   */
  redrive(filter: DeadLetterFilter, options?: ResolveOptions): Promise<readonly DeadLetter[]>;
  /** Resolves them without handling. Returns what was, or would be, discarded. */
  discard(filter: DeadLetterFilter, options?: ResolveOptions): Promise<readonly DeadLetter[]>;
}
