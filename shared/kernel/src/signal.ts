/**
 * The little of the platform's `AbortSignal` that a port needs. The kernel is compiled without the types of Node or the
 * browser; where those are present this merges with theirs.
 */
declare global {
  interface AbortSignal {
    readonly aborted: boolean;
    throwIfAborted(): void;
  }
}

export {};
