import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';

/** Asked by whoever runs the process, and telling no more than that it runs. */
const OPEN: ReadonlySet<string> = new Set(['/livez', '/readyz']);
/** Names that every browser takes for this machine (RFC 6761), and its addresses. */
const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/**
 * With a token, every request but for `/livez` and `/readyz` needs it as `Authorization: Bearer <token>` (RFC 6750): what
 * services tell is about customers, too. Without one nothing is asked for, and the configuration allows that on a
 * loopback address alone; there a request has to be for this machine by name, or else a web page from elsewhere could
 * ask through the browser of whoever works here (DNS rebinding).
 */
export function authentication(token: string | undefined): MiddlewareHandler {
  return token === undefined ? onlyLoopback : requireToken(token);
}

function requireToken(token: string): MiddlewareHandler {
  const expected = digest(`Bearer ${token}`);
  return async (context, next) => {
    const given = digest(context.req.header('authorization') ?? '');
    if (!OPEN.has(context.req.path) && !timingSafeEqual(given, expected)) {
      context.header('www-authenticate', 'Bearer');
      throw new HTTPException(401, { message: 'Send the API token as a bearer token' });
    }
    await next();
  };
}

const onlyLoopback: MiddlewareHandler = async (context, next) => {
  const host = context.req.header('host') ?? new URL(context.req.url).host;
  if (!LOOPBACK.test(host.replace(/:\d*$/, ''))) {
    throw new HTTPException(421, {
      message: 'Without an API_TOKEN only requests for this machine by name are answered: ask localhost',
    });
  }
  await next();
};

/** Of equal length whatever was sent, as a comparison in constant time needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
