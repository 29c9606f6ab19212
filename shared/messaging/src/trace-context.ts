import { getRandomValues } from 'node:crypto';

/** Version 00 is exactly this; a later one may go on after a dash, and is read as far as it is known (section 3.2). */
const TRACEPARENT = /^(?!ff)(?!00.{53}.)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/** A `traceparent` of W3C Trace Context taken apart. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: string;
}

/** `undefined` for what is not valid: a broken header starts a new trace, as the specification says. */
export function parseTraceparent(header: string | undefined): TraceParent | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, flags };
}

/** A new span: a child of `parent` where that is valid, otherwise the root of a new, sampled trace. */
export function childTraceparent(parent: string | undefined): string {
  const { traceId = randomHex(16), flags = '01' } = parseTraceparent(parent) ?? {};
  return `00-${traceId}-${randomHex(8)}-${flags}`;
}

function randomHex(bytes: number): string {
  return Buffer.from(getRandomValues(new Uint8Array(bytes))).toString('hex');
}
