import { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import type { Ids, Logger } from '@waggle/kernel';
import { messageOf } from '@waggle/kernel';
import { childTraceparent, inMessageContext, parseTraceparent } from '@waggle/messaging';
import { authentication } from './authentication.ts';
import type { HostSettings } from './host-settings.ts';
import type { Routes } from './identifiers.ts';
import { apiDocument } from './openapi.ts';
import { problemResponse, toProblem } from './problem.ts';

/** A correlation id from outside is taken over if it is harmless in logs and headers. */
const CORRELATION_ID = /^[\w.:-]{1,100}$/;

export interface HttpOptions {
  readonly settings: Pick<HostSettings, 'API_TOKEN' | 'MAX_REQUEST_BYTES'>;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Mounted as they are: what the services offer, and what the host does. */
  readonly routes: readonly Routes[];
}

/** The HTTP side of the host: validated input, problems, correlation and trace context for every route. */
export function createHttpApp({ settings, ids, logger, routes }: HttpOptions): OpenAPIHono {
  const app = new OpenAPIHono();
  app.onError((error, context) => {
    const problem = toProblem(error);
    if (problem.status >= 500)
      logger.error('request failed', { path: context.req.path, reason: messageOf(error) });
    return problemResponse(context, problem);
  });
  app.notFound((context) =>
    problemResponse(context, { status: 404, detail: 'There is nothing at this path' }),
  );
  app.use(messageContext(ids));
  app.use(authentication(settings.API_TOKEN));
  app.use(bodyLimit({ maxSize: settings.MAX_REQUEST_BYTES, onError: tooLarge }));
  for (const addRoutes of routes) {
    const router = newRouter();
    addRoutes(router);
    app.route('/', router);
  }
  let document: ReturnType<typeof apiDocument> | undefined;
  app.get('/openapi.json', (context) =>
    context.json((document ??= apiDocument(app, settings.API_TOKEN !== undefined))),
  );
  return app;
}

function tooLarge(): never {
  throw new HTTPException(413, { message: 'The request body is too large' });
}

/** Everything that a request sets in motion has its correlation id and is part of its trace. */
function messageContext(ids: Ids): MiddlewareHandler {
  return async (context, next) => {
    const given = context.req.header('x-correlation-id') ?? '';
    const correlationId = CORRELATION_ID.test(given) ? given : ids.next();
    const parent = context.req.header('traceparent');
    const traceparent = childTraceparent(parent);
    // Without a valid traceparent it belongs to no trace (W3C Trace Context, section 3.3).
    const tracestate = parseTraceparent(parent) && context.req.header('tracestate');
    context.header('x-correlation-id', correlationId);
    await inMessageContext({ correlationId, traceparent, tracestate }, next);
  };
}

/** A router that answers invalid input with a problem that names each mistake. */
function newRouter(): OpenAPIHono {
  return new OpenAPIHono({
    defaultHook: (result, context) => {
      if (result.success) return undefined;
      const errors = result.error.issues.map(({ path, message }) => ({
        pointer: jsonPointer(path),
        detail: message,
      }));
      return problemResponse(context, { status: 422, detail: 'The input is not valid', errors });
    },
  });
}

/** RFC 6901; empty for the whole. */
function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
