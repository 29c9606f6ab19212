import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalled, type Installable, type Log } from './install.ts';
import { isRunning } from './process-table.ts';
import { launch, terminate, until, type Launch, type ServerProcess } from './process.ts';
import { productOf } from './products.ts';
import { answers, type Hello } from './tcp.ts';

/** A server as its adapter's `testing/` describes it. */
export interface ServerProduct extends Installable {
  /** By protocol, where a URL says none. */
  readonly ports: Readonly<Record<string, number>>;
  /** Under Compose, as the service and the profile with the name of the adapter. @default it has none */
  readonly container?: {
    /** Inside of the container. */
    readonly port: number;
    url(address: string): string;
  };
  /** Decides on everything; starts nothing. */
  specify(input: SpecInput): Promise<ServerSpec>;
}

/** Everything that is decided once about a server, so that it can be started again as the same one. */
export interface ServerSpec {
  readonly url: string;
  readonly port: number;
  readonly hello: Hello;
  readonly launch: Launch;
  /** Runs the server's own control program with these words; resolves with what it printed. Absent where there is none. */
  readonly ctl?: (...args: readonly string[]) => Promise<string>;
}

/** What a product needs to know to write its specification. */
export interface SpecInput {
  readonly folder: string;
  readonly binaries: ReadonlyMap<string, string>;
  readonly config: string;
  readonly plugins: readonly string[];
}

export interface SpecOptions {
  /** Lines added to the end of the server's configuration file. @default none */
  readonly config?: string;
  /** Plugins that are enabled, of a server that has some. @default none */
  readonly plugins?: readonly string[];
  /** Told what is being done. @default nobody */
  readonly log?: Log;
}

/** A specification, with the name of the adapter that it comes from. */
export interface NamedSpec extends ServerSpec {
  readonly kind: string;
}

const START_TIMEOUT_MS = 60_000;

/** Chooses ports and a temporary folder for a new server and writes its configuration there. Starts nothing. */
export async function specify(kind: string, options: SpecOptions = {}): Promise<NamedSpec> {
  const { config = '', plugins = [], log = () => {} } = options;
  const product = await productOf(kind);
  const binaries = await ensureInstalled(product, log);
  const folder = mkdtempSync(join(tmpdir(), `waggle-${kind}-`));
  try {
    return { kind, ...(await product.specify({ folder, binaries, config, plugins })) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Starts the server and resolves once it answers its protocol's greeting. `onLaunch` hears of the process before that.
 * Rejects with the end of the server's log if it ends, or says nothing for a minute; nothing is left running then.
 */
export async function start(
  spec: NamedSpec,
  lifetime: 'with-us' | 'detached',
  onLaunch: (process: ServerProcess) => void = () => {},
): Promise<ServerProcess> {
  const server = await launch(spec.launch, lifetime);
  onLaunch(server);
  let ready = false;
  await until(async () => {
    ready = await answers('127.0.0.1', spec.port, spec.hello);
    return ready || !isRunning(server);
  }, START_TIMEOUT_MS);
  // Something else may have taken the port in between: it answers, and our process is gone.
  if (ready && isRunning(server)) return server;
  const what = isRunning(server) ? `did not answer within ${START_TIMEOUT_MS} ms` : 'ended while starting';
  await terminate(server, 'discard');
  const log = readFileSync(spec.launch.logFile, 'utf8').trim().split('\n').slice(-15).join('\n');
  throw new Error(`[waggle] [servers] the ${spec.kind} server ${what}: read the end of its log:\n${log}`);
}
