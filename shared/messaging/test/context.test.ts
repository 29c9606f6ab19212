import { expect, test } from 'vitest';
import { childTraceparent, currentMessageContext, inMessageContext, parseTraceparent } from '../src/index.ts';

const VALID = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

test('a child has the trace and the flags of its parent, and a span of its own', () => {
  const child = parseTraceparent(childTraceparent(VALID));
  expect(child).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', flags: '00' });
  expect(child?.spanId).not.toBe('b7ad6b7169203331');
});

test.each([
  undefined,
  '',
  VALID.toUpperCase(),
  `${VALID}-more`,
  VALID.replace('00-', 'ff-'),
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
])('what is not a traceparent (%s) starts a new, sampled trace', (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
  const root = parseTraceparent(childTraceparent(header));
  expect(root).toMatchObject({ flags: '01' });
  expect(root?.traceId).not.toBe('0af7651916cd43dd8448eb211c80319c');
});

test('the context holds across await, for each of those that run side by side', async () => {
  const inside = (correlationId: string) =>
    inMessageContext({ correlationId, traceparent: VALID }, async () => {
      await Promise.resolve();
      return currentMessageContext()?.correlationId;
    });
  expect(await Promise.all([inside('a'), inside('b')])).toEqual(['a', 'b']);
  expect(currentMessageContext()).toBeUndefined();
});
