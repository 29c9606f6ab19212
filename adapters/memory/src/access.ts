import { MessagingError } from '@waggle/kernel';

export type Operation = 'open' | 'declare' | 'publish' | 'consume' | 'read';

/** What a driver asks of the broker, for `deny`. */
export interface Access {
  readonly operation: Operation;
  readonly namespace: string;
  /** `stream`, `dead-letters`, `queue <context>` or `group <service>.<handler>`; of `open` the namespace. */
  readonly resource: string;
  /** Of a message that is published. */
  readonly type?: string;
}

/** Everything is allowed that no rule denies. */
export type Denials = Set<(access: Access) => boolean>;

/** @throws MessagingError `denied` */
export function demand(denials: Denials, access: Access): void {
  for (const denies of denials) {
    if (!denies(access)) continue;
    const { operation, namespace, resource } = access;
    const what = `${operation} on ${resource} in namespace "${namespace}"`;
    throw new MessagingError('denied', `[memory] ${what} is denied: a test called deny()`);
  }
}
