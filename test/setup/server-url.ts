import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `serverUrl` asks for servers. */
    serverDesk: string;
  }
}

/**
 * The URL of a real server for the adapter of this name, shared by all tests of a run and obtained when the first of them asks. Use a namespace of
 * your own on it, and `startPrivateServer` for one that may be stopped. Rejects with what to do where none can be had.
 */
export async function serverUrl(kind: string): Promise<string> {
  const response = await fetch(`${inject('serverDesk')}/${kind}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
