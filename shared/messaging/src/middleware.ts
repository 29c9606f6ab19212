import type { Handler } from '@waggle/kernel';

/** A function that wraps a function: sees every handling of a consumer, may do something before, after or instead. */
export type Middleware = (next: Handler) => Handler;

/** The first wraps all others. */
export function withMiddleware(middleware: readonly Middleware[], handler: Handler): Handler {
  return middleware.reduceRight((next, wrap) => wrap(next), handler);
}
