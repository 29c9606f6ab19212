import { adaptersWith, adapterTesting } from '../adapters/discover.ts';
import type { ServerProduct } from './server-spec.ts';

/** The names of the adapters that talk to a server, in the order in which they are told. */
export async function serverKinds(): Promise<readonly string[]> {
  return (await adaptersWith('server')).map(({ name }) => name);
}

/** Rejects where the adapter does not exist, or talks to no server. */
export async function productOf(kind: string): Promise<ServerProduct> {
  const { server } = await adapterTesting(kind);
  if (server !== undefined) return server;
  throw new Error(`[waggle] [servers] the adapter ${kind} talks to no server: ask for another`);
}
