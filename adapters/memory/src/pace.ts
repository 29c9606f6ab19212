/** How much runs in microtasks before the event loop gets its turn. */
const BURST = 64;

/**
 * Does things soon, never at once: in a microtask, so that one turn of the event loop settles what one action sets in
 * motion, but after every so many in a turn of its own, so that a flood cannot starve timers and sockets.
 */
export interface Pace {
  soon(action: () => void): void;
  /** Resolves soon. */
  breath(): Promise<void>;
}

export function createPace(): Pace {
  let spent = 0;
  let turn: Promise<void> | undefined;

  const nextTurn = (): Promise<void> => {
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        spent = 0;
        turn = undefined;
        resolve();
      });
    });
    return turn;
  };
  const breath = (): Promise<void> => (++spent > BURST ? nextTurn() : Promise.resolve());

  return { breath, soon: (action) => void breath().then(action) };
}
