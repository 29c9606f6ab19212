/** A host of a case. */
export interface Resident {
  /** Fails, or does not return, where the host dies. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves with how it died: `SIGKILL`, if it did so at its kill point. */
  readonly died: Promise<string>;
  /** The last things that it said, for whoever wonders why. */
  lastWords(): string;
}

/** What outlives the hosts of a case: a broker and a store. */
export interface World {
  /** Resolves once the host takes requests, or was killed. @param killAt the name of a kill point @default it lives on */
  start(killAt?: string): Promise<Resident>;
  /** Ends what still lives, and removes what the case left on broker and store. */
  close(): Promise<void>;
}
