import { composeServer } from './compose.ts';
import { PRODUCTS, type Log } from './install.ts';
import { startPrivateServer } from './private-server.ts';
import { answers } from './tcp.ts';

export { startPrivateServer, type PrivateRabbitmq, type PrivateServer } from './private-server.ts';

export type ServerKind = 'nats' | 'rabbitmq';

/** A real server to test against. Only a private one (`origin: 'binary'`) can be restarted and killed. */
export interface RunningServer {
  readonly kind: ServerKind;
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

/**
 * A server of this kind, however this machine can have one: the one that `NATS_URL` or `RABBITMQ_URL` names, else the
 * one in docker-compose.yml if a Docker engine answers, else a private process of an installed binary, else the same
 * after installing the package (Debian, as root). Rejects with what to do when none of these works, and when the
 * variable names a server that cannot be reached: a server that was asked for is never silently replaced by another.
 */
export async function obtainServer(
  kind: ServerKind,
  options: { readonly log?: Log } = {},
): Promise<RunningServer> {
  const { log = () => {} } = options;
  const url = process.env[PRODUCTS[kind].variable];
  if (url !== undefined && url !== '') return givenServer(kind, url);
  return (await composeServer(kind, log)) ?? startPrivateServer(kind, { log });
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'nats:': 4222,
  'tls:': 4222,
  'amqp:': 5672,
  'amqps:': 5671,
};

async function givenServer(kind: ServerKind, url: string): Promise<RunningServer> {
  const { name, variable } = PRODUCTS[kind];
  const { hostname, port, protocol } = parse(variable, url);
  const portNumber = Number(port) || DEFAULT_PORTS[protocol];
  if (portNumber === undefined) {
    throw new Error(
      `[waggle] [servers] ${variable} has no port: write it as ${protocol}//${hostname}:<port>`,
    );
  }
  // IPv6 addresses stand in brackets in a URL, and without them everywhere else.
  if (!(await answers(hostname.replace(/^\[|\]$/g, ''), portNumber))) {
    const where = `${hostname}:${portNumber}`;
    throw new Error(
      `[waggle] [servers] no ${name} at ${where}, which ${variable} names: start it, or unset ${variable} to have one started`,
    );
  }
  return { kind, url, origin: 'given', ...notPrivate(kind, variable), stop: async () => {} };
}

/** `restart` and `kill` of a server that others may be using. */
export function notPrivate(kind: ServerKind, from: string): Pick<RunningServer, 'restart' | 'kill'> {
  const refuse = async (): Promise<never> => {
    throw new Error(
      `[waggle] [servers] this ${kind} server comes from ${from} and may be shared: use startPrivateServer('${kind}') to restart or kill one`,
    );
  };
  return { restart: refuse, kill: refuse };
}

function parse(variable: string, url: string): URL {
  try {
    return new URL(url);
  } catch {
    // The URL may hold a password: not repeated here.
    throw new Error(`[waggle] [servers] ${variable} is not a URL: write it as <protocol>://<host>:<port>`);
  }
}
