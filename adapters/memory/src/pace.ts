/** How much runs in microtasks before the event loop gets its turn. */
const BURST = 64;

/**
 * Does things soon, never at once: in a microtask, so that one turn of the event loop settles what one action sets in
 * motion, but after every so many in a turn of its own, so that a flood cannot starve timers and sockets.
 */
export type Pace = (action: () => void) => void;

export function createPace(): Pace {
  let spent = 0;
  return (action) => {
    if (++spent <= BURST) return queueMicrotask(action);
    setImmediate(() => {
      spent = 0;
      action();
    });
  };
}
