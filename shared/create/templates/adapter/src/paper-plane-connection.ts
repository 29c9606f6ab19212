import type { BrokerConnection, DriverSettings } from '@waggle/messaging';
import { notWritten } from './paper-plane-errors.ts';

export interface PaperPlaneOptions {
  readonly url: string;
  /** @default what stands in the URL */
  readonly user?: string;
  readonly password?: string;
  /** PEM texts. @default no TLS, but where the URL wants it */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** Stands for the connection that the client library makes. */
interface PaperPlaneClient {
  close(): Promise<void>;
}

/**
 * One attempt to connect, and one connection, used until it is lost and never mended. What each method has to keep is said at
 * `BrokerConnection` in `shared/messaging/src/kit/connection.ts`; the clauses of the contract suite that prove it stand beside it.
 */
export async function connect(
  settings: DriverSettings,
  options: PaperPlaneOptions,
  lost: (reason: unknown) => void,
  unblocked: () => void,
): Promise<BrokerConnection> {
  const client = await dial(settings, options, lost, unblocked);
  return connectionOver(client, settings);
}

/** A1, A7, H1, Q1 to Q3. Switch the client's own reconnecting off: it restores sockets, but not what they were for. */
async function dial(
  _settings: DriverSettings,
  _options: PaperPlaneOptions,
  _lost: (reason: unknown) => void,
  _unblocked: () => void,
): Promise<PaperPlaneClient> {
  return notWritten('connect', 'dial once, check the server, create its two logs, call lost() when it ends');
}

/** What is done over one connection. Each part grows into a file of its own. */
export function connectionOver(client: PaperPlaneClient, _settings: DriverSettings): BrokerConnection {
  return {
    // Safe from many processes at once; what exists with other values is a `conflict` that names both. A1, B6, D4, K1, Q5
    declare: async () =>
      notWritten('declare', 'create groups and queues that are missing, remove the absent'),
    // Pipelined: many are sent before the first is confirmed, and stored in the order of the calls. B, C, E1, I3, J
    publish: () => notWritten('publish', 'send one message, confirm() once the broker holds it durably'),
    // `SettleOnce` of the kit makes the delivery. B, D, E, F, G, H, I, L1
    consume: async () => notWritten('consume', 'deliver one message a lane at a time, unsettled ones again'),
    // Where a reader that does not follow ends, and what is "new" begins. D3, K2
    head: async () => notWritten('head', 'tell the position of the last entry of a log'),
    // Without a gap; a place that is gone or past the head is `out-of-range`. A5, D3, F6, K2, K5
    read: () => notWritten('read', 'give the entries of a log behind a position, to the head or for ever'),
    // Waiting retries count as well. It is how the suite knows that nothing more comes: B7, F4, F5, K4
    lag: async () => notWritten('lag', 'count what a group or a queue has not settled'),
    // With `consumption` of each group and queue, whoever declared it, and without credentials. C6, K8
    describe: async () => notWritten('describe', 'list what exists for the namespace'),
    // The kit has closed the consumers and waited for what is on its way. A2, A6
    close: () => client.close(),
  };
}
