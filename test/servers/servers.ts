import { composeServer } from './compose.ts';
import { PRODUCTS, type Log } from './install.ts';
import { startPrivateServer } from './private-server.ts';
import { notPrivate, type RunningServer, type ServerKind } from './running-server.ts';
import { answers } from './tcp.ts';

export { startPrivateServer, type PrivateRabbitmq, type PrivateServer } from './private-server.ts';
export { SERVER_KINDS, type RunningServer, type ServerKind } from './running-server.ts';

/** The servers that carry messages. */
export type BrokerKind = Exclude<ServerKind, 'postgres'>;

/**
 * A server of this kind, however this machine can have one: the one that `NATS_URL`, `RABBITMQ_URL` or `DATABASE_URL`
 * names, else the one in docker-compose.yml if a Docker engine answers, else a private process of an installed binary, else the same
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
  'postgres:': 5432,
  'postgresql:': 5432,
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

function parse(variable: string, url: string): URL {
  try {
    return new URL(url);
  } catch {
    // The URL may hold a password: not repeated here.
    throw new Error(`[waggle] [servers] ${variable} is not a URL: write it as <protocol>://<host>:<port>`);
  }
}
