import type { Context } from 'hono';
import type { ContentfulStatusCode as StatusCode } from 'hono/utils/http-status';
import { HTTPException } from 'hono/http-exception';
import type { MessagingErrorCode } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';

/** An error as RFC 9457 has it. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  /** Of invalid input: each thing that is wrong, and where (an RFC 6901 pointer). */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Invalid input',
  500: 'Internal error',
  503: 'Not available',
};

const STATUS_OF: Partial<Record<MessagingErrorCode, number>> = {
  conflict: 409,
  'too-large': 413,
  unavailable: 503,
  timeout: 503,
  closed: 503,
};

/** Answers with `application/problem+json`. */
export function problemResponse(context: Context, problem: Omit<Problem, 'title'>): Response {
  const instance = new URL(context.req.url).pathname;
  const body = { type: 'about:blank', title: TITLES[problem.status] ?? 'Error', ...problem, instance };
  context.header('content-type', 'application/problem+json');
  return context.body(JSON.stringify(body), problem.status as StatusCode);
}

/** What an error tells the outside: what its maker meant to say, or else nothing. */
export function toProblem(error: unknown): Omit<Problem, 'title'> {
  if (error instanceof HTTPException) return { status: error.status, detail: error.message };
  if (error instanceof MessagingError) {
    const status = STATUS_OF[error.code];
    if (status !== undefined) return { status, detail: TITLES[status] ?? '' };
  }
  return { status: 500 };
}
