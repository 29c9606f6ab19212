/** Time as a port: real in production, virtual in tests. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `action` once, `delayMs` from now at the earliest; returns what cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

/** Source of identifiers that are unique everywhere and for ever. */
export interface Ids {
  next(): string;
}

/** Source of numbers in [0, 1); seeded in tests. */
export type Random = () => number;
