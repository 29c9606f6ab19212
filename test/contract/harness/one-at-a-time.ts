import type { PrivateServer } from '../suite/index.ts';

/** Hands one server to test after test, running, as starting another takes longer than waiting. */
export function oneAtATime(start: () => Promise<Omit<PrivateServer, 'close'>>): () => Promise<PrivateServer> {
  let starting: ReturnType<typeof start> | undefined;
  let free: Promise<void> = Promise.resolve();
  return async () => {
    const before = free;
    const { promise, resolve } = Promise.withResolvers<void>();
    free = promise;
    await before;
    const server = await (starting ??= start());
    let isDown = false;
    return {
      driver: server.driver,
      async restart() {
        await server.restart();
        isDown = false;
      },
      async kill() {
        isDown = true;
        await server.kill();
      },
      async close() {
        try {
          if (isDown) await server.restart();
        } finally {
          resolve();
        }
      },
    };
  };
}
