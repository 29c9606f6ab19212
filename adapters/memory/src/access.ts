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

/** Permissions: everything is allowed that was not denied. */
export interface Permissions {
  /** Refuses `operation`, all of it or where `matches` says so; returns what allows it again. */
  deny(operation: Operation, matches?: (access: Access) => boolean): () => void;
  /** The refusal, if there is one. */
  refusal(access: Access): MessagingError | undefined;
}

export function createPermissions(): Permissions {
  const rules = new Map<symbol, (access: Access) => boolean>();
  return {
    deny(operation, matches = () => true) {
      const rule = Symbol(operation);
      rules.set(rule, (access) => access.operation === operation && matches(access));
      return () => void rules.delete(rule);
    },
    refusal(access) {
      for (const denies of rules.values()) {
        if (!denies(access)) continue;
        const { operation, namespace, resource } = access;
        return new MessagingError(
          'denied',
          `[memory] ${operation} on ${resource} in namespace "${namespace}" is denied: a test called deny()`,
        );
      }
      return undefined;
    },
  };
}
