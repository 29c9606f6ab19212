import { inject } from 'vitest';
import type { ServerKind } from '../servers/servers.ts';

/**
 * The URL of a real server, shared by all tests of a run and obtained when the first of them asks. Use a namespace of
 * your own on it, and `startPrivateServer` for one that may be stopped. Rejects with what to do where none can be had.
 */
export async function serverUrl(kind: ServerKind): Promise<string> {
  const response = await fetch(`${inject('serverDesk')}/${kind}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
