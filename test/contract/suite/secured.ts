import type { BrokerDriver } from '@waggle/messaging';
import type { SettingsOverrides } from './harness.ts';

/** What an account may do in a namespace. */
export type Permission = 'declare' | 'publish' | 'consume' | 'read';

export type Drivers = (settings: SettingsOverrides) => BrokerDriver;

/** A kind of credential, with one that opens the server and one that does not. */
export interface Credential {
  readonly right: Drivers;
  readonly wrong: Drivers;
}

/** An account of one test on a server that demands TLS and credentials, reached over a way of its own. */
export interface Secured {
  /** Comes with everything that the server demands. */
  readonly driver: Drivers;
  /** By what is wrong: another authority, another host, no certificate of the client. None where there is no TLS. */
  readonly wrongCertificates: Readonly<Record<string, Drivers>>;
  /** By name, each kind of credential that the adapter knows. */
  readonly credentials: Readonly<Record<string, Credential>>;
  /** When somebody tried to connect on this way, by the clock of `performance`. */
  readonly attempts: readonly number[];
  /** Whether a text was carried on this way as it is, for whoever listens. */
  carried(text: string): boolean;
  /** The account is refused from now on, and put out where it is connected. Resolves with what lets it in again. */
  lock(): Promise<() => Promise<void>>;
  /** Takes a permission away, also from who is connected. Resolves with what gives it back. */
  forbid(permission: Permission, namespace: string): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
