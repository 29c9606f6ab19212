import type { CloudEvent } from '@waggle/kernel';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** When a message expires, in milliseconds since the epoch; NaN if its `expirytime` cannot be read, `undefined` if it has none. */
export function expiryOf({ expirytime }: Pick<CloudEvent, 'expirytime'>): number | undefined {
  if (expirytime === undefined) return undefined;
  return RFC_3339.test(expirytime) ? Date.parse(expirytime.toUpperCase()) : Number.NaN;
}
