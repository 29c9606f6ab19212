import type { OpenAPIHono } from '@hono/zod-openapi';
import { phraseOf, PROBLEM_TYPE, problemSchema } from './problem.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace'] as const;
const PROBLEM = { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } };

type Document = ReturnType<OpenAPIHono['getOpenAPI31Document']>;
type Operation = NonNullable<NonNullable<Document['paths']>[string]['get']>;

/**
 * The routes of all services, with what the host does for each of them, so that no route has to repeat it: the bearer
 * token, and the problems that every request may end with.
 * @param guarded whether a token is asked for here
 */
export function apiDocument(app: OpenAPIHono, guarded: boolean): Document {
  app.openAPIRegistry.register('Problem', problemSchema);
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'API_TOKEN of the host; asked for where one is set',
  });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Waggle', version: '0.1.0' },
    // Either of them is enough.
    security: guarded ? [{ bearer: [] }] : [{}, { bearer: [] }],
  });
  for (const item of Object.values(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation !== undefined) item[method] = withProblems(operation);
    }
  }
  return document;
}

/** What a route says of its own stays; a problem without content gets that of all problems. */
function withProblems(operation: Operation): Operation {
  const { requestBody, parameters = [], responses = {} } = operation;
  const body = requestBody === undefined ? [] : [400, 413, 415];
  const input = requestBody === undefined && parameters.length === 0 ? [] : [422];
  const always = Object.fromEntries(
    [401, ...body, ...input, 500].map((status) => [status, { description: phraseOf(status) }]),
  );
  const all: NonNullable<Operation['responses']> = { ...always, ...responses };
  return {
    ...operation,
    responses: Object.fromEntries(
      Object.entries(all).map(([status, response]) => [
        status,
        Number(status) < 400 || 'content' in response || '$ref' in response
          ? response
          : { ...response, content: PROBLEM },
      ]),
    ),
  };
}
