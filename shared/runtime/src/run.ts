import { messageOf } from '@waggle/kernel';
import type { Environment } from './configuration.ts';
import { ConfigurationError } from './configuration.ts';
import type { Host } from './host.ts';
import { startHost } from './host.ts';

/** The entry point of every deployment: reads the environment, runs until SIGTERM or SIGINT, drains, ends. */
export async function runFromEnvironment(environment: Environment): Promise<void> {
  try {
    const starting = startHost({ environment });
    // Heard from the first moment on: told to stop while it starts, a host stops as soon as it has started.
    // Of one signal both npm and whoever sent it to the group may tell; one that comes later means now.
    let toldMs: number | undefined;
    const stop = (): void => {
      if (toldMs !== undefined && Date.now() - toldMs > 1_000) process.exit(1);
      if (toldMs === undefined) void starting.then(stopAndExit, () => undefined);
      toldMs ??= Date.now();
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
    await starting;
  } catch (error) {
    // What people can mend is told without a stack trace.
    process.stderr.write(`${error instanceof ConfigurationError ? error.message : describe(error)}\n`);
    process.exitCode = 1;
  }
}

async function stopAndExit(host: Host): Promise<void> {
  try {
    await host.stop();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`);
    process.exit(1);
  }
}

function describe(error: unknown): string {
  return error instanceof Error && error.name !== 'MessagingError'
    ? (error.stack ?? error.message)
    : messageOf(error);
}
