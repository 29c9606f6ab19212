import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { DeadLetter, DeadLetterFilter, DeadLetters } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { detailsOf, summaryOf } from './dead-letter-view.ts';
import type { Routes } from './identifiers.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

const some = z.string().min(1).optional();
const filter = {
  id: some,
  consumer: some.openapi({ description: 'The group that gave up, or the context of the queue' }),
  messageType: some,
  cause: z.enum(['rejected', 'attempts-exhausted', 'undecodable', 'schema', 'unhandled']).optional(),
  reason: some.openapi({ description: 'Part of the reason, whatever the case of its letters' }),
  since: z.iso.datetime({ offset: true }).optional().openapi({ description: 'Given up on then or later' }),
  before: z.iso.datetime({ offset: true }).optional().openapi({ description: 'Given up on earlier' }),
};
const FILTERS: readonly string[] = Object.keys(filter);

const summary = z
  .object({
    id: z.string(),
    href: z.string().openapi({ description: 'Where all of it is' }),
    consumer: z.string(),
    origin: z.enum(['stream', 'queue']),
    cause: z.string(),
    reason: z.string(),
    attempts: z.int(),
    time: z.string().openapi({ description: 'When it was given up on' }),
    messageId: z.string().optional(),
    messageType: z.string().optional(),
    contentType: z.string().optional(),
    bodyBytes: z.int(),
    cutFromBytes: z.int().optional().openapi({
      description:
        'How many bytes the body had, of which only the beginning was kept: unless it is held it cannot be redriven',
    }),
    held: z.boolean().optional().openapi({
      description: 'It stands in its place, and what is behind it waits until it is redriven or discarded',
    }),
  })
  .openapi('DeadLetterSummary');

const details = summary
  .extend({
    headers: z.record(z.string(), z.string()),
    bodyEncoding: z.enum(['utf-8', 'base64']),
    body: z.string(),
  })
  .openapi('DeadLetter');

const page = z.object({
  namespace: z.string(),
  total: z.int().openapi({ description: 'How many there are, on this page or not' }),
  deadLetters: z.array(summary),
  next: z.string().optional().openapi({ description: 'Where there are more' }),
});

const resolved = z.object({
  namespace: z.string(),
  dryRun: z.boolean().openapi({ description: 'Whether nothing has happened' }),
  total: z.int(),
  deadLetters: z.array(summary),
});

const json = <Schema extends z.ZodType>(schema: Schema) => ({ content: { 'application/json': { schema } } });
const dryRun = z
  .boolean()
  .default(false)
  .openapi({ description: 'Only tells what would be done. It always has to be sent as JSON' });
const one = z.object({ id: z.string() });
const gone = { 404: { description: 'No such dead letter, or it was dealt with' } };

const list = createRoute({
  method: 'get',
  path: '/dead-letters',
  summary: 'What was given up on and not dealt with yet, oldest first',
  request: {
    query: z.strictObject({
      ...filter,
      limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
      after: some.openapi({ description: 'Begin behind the one with this id' }),
    }),
  },
  responses: { 200: { description: 'Without their bodies and headers', ...json(page) } },
});

const show = createRoute({
  method: 'get',
  path: '/dead-letters/{id}',
  summary: 'One dead letter, with its headers and its body',
  request: { params: one },
  responses: { 200: { description: 'All of it', ...json(details) }, ...gone },
});

type Resolving = 'redrive' | 'discard';

const summaries = {
  redrive: 'given back to the group that gave up, and to no other',
  discard: 'removed for good, unhandled',
};

const resolveOne = (action: Resolving) =>
  createRoute({
    method: 'post',
    path: `/dead-letters/{id}/${action}`,
    summary: `One dead letter is ${summaries[action]}`,
    request: { params: one, body: { ...json(z.strictObject({ dryRun })), required: true } },
    responses: {
      200: { description: 'Done, or what would be', ...json(resolved) },
      ...gone,
      409: { description: 'The group or queue is no more' },
    },
  });

const resolveMany = (action: Resolving) =>
  createRoute({
    method: 'post',
    path: `/dead-letters/${action}`,
    summary: `Dead letters are ${summaries[action]}: those of a filter, or all`,
    request: {
      body: {
        ...json(
          z
            .strictObject({ ...filter, all: z.literal(true).optional(), dryRun })
            .refine(saysWhich, 'Say which: give a filter, or "all": true'),
        ),
        required: true,
      },
    },
    responses: {
      200: { description: 'Done, or what would be', ...json(resolved) },
      409: { description: 'The group or queue of one is no more; those before it are done' },
    },
  });

/** A filter that was forgotten must not mean everything. */
function saysWhich({ all, ...given }: Readonly<Record<string, unknown>>): boolean {
  const isNarrowed = FILTERS.some((name) => given[name] !== undefined);
  return isNarrowed !== (all === true);
}

export interface DeadLetterRoutesOptions {
  readonly namespace: string;
  readonly deadLetters: DeadLetters;
}

/** `/dead-letters`: listed, looked at, redriven and discarded, one, some or all. */
export function deadLetterRoutes({ namespace, deadLetters }: DeadLetterRoutesOptions): Routes {
  async function resolve(action: Resolving, given: DeadLetterFilter, options: { dryRun: boolean }) {
    const found = await deadLetters[action](given, options).catch(refused);
    return { namespace, ...options, total: found.length, deadLetters: found.map(view) };
  }

  return (router) => {
    router.openapi(list, async (context) => {
      const { limit, after, ...given } = context.req.valid('query');
      const found = await deadLetters.list(given).catch(refused);
      const start = after === undefined ? 0 : 1 + found.findIndex(({ id }) => id === after);
      if (after !== undefined && start === 0) throw new HTTPException(422, { message: overtaken(after) });
      const shown = found.slice(start, start + limit);
      const last = start + limit < found.length ? shown.at(-1) : undefined;
      const next = last && `/dead-letters?${queryOf({ ...given, limit: String(limit), after: last.id })}`;
      return context.json(
        { namespace, total: found.length, deadLetters: shown.map(view), ...(next && { next }) },
        200,
      );
    });
    router.openapi(show, async (context) => {
      const [found] = await deadLetters.list({ id: context.req.valid('param').id });
      if (found === undefined) throw missing();
      return context.json({ ...view(found), ...detailsOf(found) }, 200);
    });
    for (const action of ['redrive', 'discard'] as const) {
      router.openapi(resolveMany(action), async (context) => {
        demandJson(context);
        const { all: _, dryRun: isDryRun, ...given } = context.req.valid('json');
        return context.json(await resolve(action, given, { dryRun: isDryRun }), 200);
      });
      router.openapi(resolveOne(action), async (context) => {
        demandJson(context);
        const done = await resolve(action, context.req.valid('param'), context.req.valid('json'));
        if (done.total === 0) throw missing();
        return context.json(done, 200);
      });
    }
  };
}

const view = (deadLetter: DeadLetter) => ({
  ...summaryOf(deadLetter),
  href: `/dead-letters/${encodeURIComponent(deadLetter.id)}`,
});

const missing = (): HTTPException =>
  new HTTPException(404, { message: 'There is no such dead letter, or it was dealt with' });

const overtaken = (after: string): string =>
  `"after" is ${after}, which is not in this list (any more): begin without it`;

/** Also where there is no body at all, as a form on another page could send it through the browser of whoever works here. */
function demandJson({ req }: Context): void {
  if (req.header('content-type') === undefined)
    throw new HTTPException(415, { message: 'Send JSON, if only {}' });
}

/** What can be mended by asking for something else; the rest is as it is for every route. */
function refused(error: unknown): never {
  if (!(error instanceof MessagingError)) throw error;
  const message = error.reason;
  if (error.code === 'invalid') throw new HTTPException(422, { message });
  if (error.code === 'unroutable') throw new HTTPException(409, { message });
  throw error;
}

function queryOf(given: Readonly<Record<string, string | undefined>>): string {
  const set = Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URLSearchParams(set).toString();
}
