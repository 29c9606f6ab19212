import type { ConnectionOptions, NatsConnection } from 'nats';

/** Removes what the driver makes for a namespace. */
export async function sweepNats(raw: NatsConnection, namespace: string): Promise<void> {
  const api = await raw.jetstreamManager();
  for await (const name of api.streams.names()) {
    if (name.startsWith(`${namespace}_`)) await api.streams.delete(name);
  }
}

/** How the client wants what a URL says. */
export function connectionTo(url: string): ConnectionOptions {
  const { host, username, password } = new URL(url);
  return { servers: host, ...(username === '' ? {} : { user: username, pass: password }) };
}
