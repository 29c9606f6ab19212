/** A real server to test against. Only a private one (`origin: 'binary'`) can be restarted and killed. */
export interface RunningServer {
  /** The name of the adapter that talks to it. */
  readonly kind: string;
  /** Where clients connect, with credentials where the server has them. The same after a restart. */
  readonly url: string;
  readonly origin: 'given' | 'compose' | 'binary';
  /**
   * Stops the server in an orderly way, if it runs, and starts it again on the same port with the same data. Resolves
   * once it answers.
   */
  restart(): Promise<void>;
  /** Ends the server by SIGKILL and keeps its data: `restart()` brings it back. Resolves when no process is left. */
  kill(): Promise<void>;
  /**
   * Ends the server and removes its data. Idempotent. A server that was given, or that was up before us under compose,
   * is left as it was found; one that we brought up under compose ends and keeps its volume, which may be a developer's.
   */
  stop(): Promise<void>;
}

/** `restart` and `kill` of a server that others may be using. */
export function notPrivate(kind: string, from: string): Pick<RunningServer, 'restart' | 'kill'> {
  const refuse = async (): Promise<never> => {
    throw new Error(
      `[waggle] [servers] this ${kind} server comes from ${from} and may be shared: use startPrivateServer('${kind}') to restart or kill one`,
    );
  };
  return { restart: refuse, kill: refuse };
}
