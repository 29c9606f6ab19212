import type { CloudEvent } from '@waggle/kernel';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** A time as in RFC 3339, in milliseconds since the epoch; NaN if it cannot be read. */
export function parseTime(time: string): number {
  return RFC_3339.test(time) ? Date.parse(time.toUpperCase()) : Number.NaN;
}

/** When a message expires, in milliseconds since the epoch; NaN if its `expirytime` cannot be read, `undefined` if it has none. */
export function expiryOf({ expirytime }: Pick<CloudEvent, 'expirytime'>): number | undefined {
  return expirytime === undefined ? undefined : parseTime(expirytime);
}
