import { composeServer } from './compose.ts';
import type { Log } from './install.ts';
import { startPrivateServer } from './private-server.ts';
import { productOf } from './products.ts';
import { notPrivate, type RunningServer } from './running-server.ts';
import type { ServerProduct } from './server-spec.ts';
import { answers } from './tcp.ts';

export { startPrivateServer, type PrivateServer } from './private-server.ts';
export { serverKinds } from './products.ts';
export type { RunningServer } from './running-server.ts';
export type { ServerProduct, ServerSpec, SpecInput } from './server-spec.ts';

/**
 * A server for this adapter, however this machine can have one: the one that its variable (`<PRODUCT>_URL`) names, else the
 * one of Compose if a Docker engine answers, else a private process of an installed binary, else the same after installing the
 * package (Debian, as root). Rejects with what to do when none of these works, and when the variable names a server that
 * cannot be reached: a server that was asked for is never silently replaced by another.
 */
export async function obtainServer(
  kind: string,
  options: { readonly log?: Log } = {},
): Promise<RunningServer> {
  const { log = () => {} } = options;
  const product = await productOf(kind);
  const url = process.env[product.variable];
  if (url !== undefined && url !== '') return givenServer(kind, product, url);
  return (await composeServer(kind, product, log)) ?? startPrivateServer(kind, { log });
}

async function givenServer(
  kind: string,
  { name, variable, ports }: ServerProduct,
  url: string,
): Promise<RunningServer> {
  const { hostname, port, protocol } = parse(variable, url);
  const portNumber = Number(port) || ports[protocol.slice(0, -1)];
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
