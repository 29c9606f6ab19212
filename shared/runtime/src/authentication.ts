import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * With a token, requests that may change something need it as `Authorization: Bearer <token>` (RFC 6750). Without one
 * nothing is asked for; the configuration allows that on a loopback address alone.
 */
export function requireToken(token: string | undefined): MiddlewareHandler {
  if (token === undefined) return (_, next) => next();
  const expected = digest(`Bearer ${token}`);
  return async (context, next) => {
    const given = digest(context.req.header('authorization') ?? '');
    if (!SAFE_METHODS.has(context.req.method) && !timingSafeEqual(given, expected)) {
      context.header('www-authenticate', 'Bearer');
      throw new HTTPException(401, { message: 'Send the API token as a bearer token' });
    }
    await next();
  };
}

/** Of equal length whatever was sent, as a comparison in constant time needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
