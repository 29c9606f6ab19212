import { rmSync } from 'node:fs';
import { isRunning } from './process-table.ts';
import { terminate, type Ending, type ServerProcess } from './process.ts';
import { specify, start, type SpecOptions } from './server-spec.ts';
import type { RunningServer } from './running-server.ts';

/** A server of our own: nobody else uses it, so it may be restarted, killed and configured. */
export interface PrivateServer extends RunningServer {
  readonly origin: 'binary';
  /** The server's process at this moment; nothing while it is down. A restart makes another. */
  pid(): number | undefined;
  /** Holds its configuration, its data and `server.log`. Removed by `stop()`. */
  readonly folder: string;
  /** Runs the server's own control program with these words and resolves with what it printed. Rejects where it has none. */
  ctl(...words: readonly string[]): Promise<string>;
}

/**
 * Starts a server of our own on 127.0.0.1, on a free port, in a temporary folder, and resolves once it answers.
 * Installs it first where that is possible. It ends with this process at the latest, however this process ends.
 * Rejects when it cannot be installed or does not start; nothing is left behind then.
 */
export async function startPrivateServer(kind: string, options: SpecOptions = {}): Promise<PrivateServer> {
  const spec = await specify(kind, options);
  const { folder } = spec.launch;
  let current: ServerProcess | undefined;
  let stopped = false;

  const up = async (): Promise<void> => {
    if (stopped)
      throw new Error(
        `[waggle] [servers] this ${kind} server was stopped and its data removed: start another`,
      );
    current = await start(spec, 'with-us');
  };
  const down = async (ending: Ending): Promise<void> => {
    if (current !== undefined) await terminate(current, ending);
    current = undefined;
  };
  const server: PrivateServer = {
    kind,
    url: spec.url,
    origin: 'binary',
    folder,
    pid: () => (current !== undefined && isRunning(current) ? current.pid : undefined),
    restart: async () => {
      await down('stop');
      await up();
    },
    kill: () => down('kill'),
    ctl: async (...words) => {
      if (spec.ctl === undefined)
        throw new Error(`[waggle] [servers] ${kind} has no control program: describe one as \`ctl\``);
      return spec.ctl(...words);
    },
    stop: async () => {
      stopped = true;
      // Nothing it could still write is kept, so there is nothing to wait for.
      await down('discard');
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  try {
    options.log?.(`starting a private ${kind} server in ${folder}`);
    await up();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
