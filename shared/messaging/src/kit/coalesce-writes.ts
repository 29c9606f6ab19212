/** Of a socket, what is needed here. */
export interface Corkable {
  cork(): void;
  uncork(): void;
  write(...args: unknown[]): boolean;
}

/**
 * For client libraries that write each message and each acknowledgement by itself: a system call each. Whatever is written in one
 * go of the event loop leaves in one here, for half of its own time and less of the server's.
 */
export function coalesceWrites(stream: Corkable): void {
  const write = stream.write.bind(stream);
  let corked = false;
  const uncork = (): void => {
    corked = false;
    stream.uncork();
  };
  stream.write = (...args: unknown[]): boolean => {
    if (!corked) {
      corked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    return write(...args);
  };
}
