import { expect, test } from 'vitest';
import { childTraceparent, parseTraceparent } from '../src/index.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const REST = `${TRACE}-b7ad6b7169203331-01`;

test.each([`01-${REST}`, `cc-${REST}-what-the-future-brings`, `01-${REST}-`])(
  'a traceparent of a later version is read as far as it is known: %s',
  (header) => {
    expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: 'b7ad6b7169203331', flags: '01' });
    expect(childTraceparent(header)).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  },
);

test.each([
  `00-${REST}-x`,
  `00-${REST}-`,
  `cc-${REST}.x`,
  `cc-${REST}0`,
  `ff-${REST}`,
  `0-${REST}`,
  `00-${REST}\n`,
  ` 00-${REST}`,
])('what no version allows is no traceparent: %s', (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

test('children of one parent are spans of their own', () => {
  const spans = Array.from({ length: 100 }, () => parseTraceparent(childTraceparent(`00-${REST}`))?.spanId);
  expect(new Set(spans).size).toBe(100);
});
