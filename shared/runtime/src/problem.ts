import { STATUS_CODES } from 'node:http';
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ContentfulStatusCode as StatusCode } from 'hono/utils/http-status';
import { HTTPException } from 'hono/http-exception';
import type { MessagingErrorCode } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';

export const PROBLEM_TYPE = 'application/problem+json';

/** An error as RFC 9457 has it. */
export const problemSchema = z
  .object({
    type: z.literal('about:blank').openapi({ description: 'The status says what kind of problem it is' }),
    title: z.string().openapi({ description: 'The phrase of the HTTP status' }),
    status: z.int(),
    detail: z.string().optional().openapi({ description: 'What was wrong with this request' }),
    instance: z.string().openapi({ description: 'The path that was asked for' }),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .optional()
      .openapi({ description: 'Each thing that is wrong with the input, and where (RFC 6901)' }),
  })
  .openapi('Problem', {
    example: {
      type: 'about:blank',
      title: 'Unprocessable Content',
      status: 422,
      detail: 'The input is not valid',
      instance: '/things',
      errors: [{ pointer: '/lines/0/quantity', detail: 'Too small: expected number to be >=1' }],
    },
  });

/** What varies; the rest follows from the status and the request. */
export type Problem = Pick<z.infer<typeof problemSchema>, 'status' | 'detail' | 'errors'>;

/** As RFC 9110 has them; Node still says what they were called before. */
const PHRASES: Readonly<Record<number, string>> = { 413: 'Content Too Large', 422: 'Unprocessable Content' };

const SAID_OF: Partial<Record<MessagingErrorCode, Problem>> = {
  conflict: { status: 409, detail: 'Somebody else was faster: ask again' },
  'too-large': { status: 413, detail: 'What would follow from this request is too large to be sent' },
  unavailable: { status: 503, detail: 'The broker is not available at the moment: try again' },
  timeout: { status: 503, detail: 'The broker does not answer at the moment: try again' },
  closed: { status: 503, detail: 'This host is stopping: try again' },
};

/** For what the library says in the words of its status alone. */
const ADVICE: Readonly<Record<number, string>> = {
  415: 'Send JSON, with the header content-type: application/json',
};

/** The phrase of a status, which RFC 9457 wants as the title where there is no type. */
export function phraseOf(status: number): string {
  return PHRASES[status] ?? STATUS_CODES[status] ?? 'Error';
}

/** Answers with `application/problem+json`. */
export function problemResponse(context: Context, problem: Problem): Response {
  const instance = new URL(context.req.url).pathname;
  const body = { type: 'about:blank', title: phraseOf(problem.status), ...problem, instance };
  context.header('content-type', PROBLEM_TYPE);
  return context.body(JSON.stringify(body), problem.status as StatusCode);
}

/** What an error tells the outside: what its maker meant to say, or else nothing. */
export function toProblem(error: unknown): Problem {
  if (error instanceof HTTPException) {
    const { status, message } = error;
    return { status, detail: message === phraseOf(status) ? (ADVICE[status] ?? message) : message };
  }
  const said = error instanceof MessagingError ? SAID_OF[error.code] : undefined;
  return (
    said ?? { status: 500, detail: 'This is not your mistake: the log of the host says what went wrong' }
  );
}
