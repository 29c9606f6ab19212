import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { failuresOf, GROUPS, matrixOf } from './matrix.ts';
import { clauses, contractCases, type CaseResult } from './suite/index.ts';

const all = contractCases.map((each): CaseResult => ({ case: each, declared: [] }));

test('every clause belongs to a group that is described', () => {
  for (const id of Object.keys(clauses)) expect(GROUPS).toHaveProperty(id[0] ?? '');
});

test('what failed is named, what was declared has a note, and the rest is kept', () => {
  const failing = all.map((each) =>
    each.case.id === 'B1' ? { ...each, error: new Error('lost one') } : each,
  );
  const declaring = all.map((each): CaseResult =>
    each.case.id === 'F15' ? { ...each, declared: ['release-counts'] } : each,
  );
  const columns = [
    { harness: { name: 'one', declares: {} }, results: failing },
    { harness: { name: 'other', declares: { 'release-counts': 'a NAK counts' } }, results: declaring },
  ];
  const { byGroup, byClause } = matrixOf(columns);
  expect(byGroup).toMatch(/^\| B \| .* \| ✗ B1 \| ✓ \|$/m);
  expect(byGroup).toMatch(/^\| F \| .* \| ✓ \| ✓¹ \|$/m);
  expect(byGroup).toContain('¹ other: a NAK counts.');
  expect(byClause).toMatch(/^\| F15 \| .* \| ✓ \| ✓¹ \|$/m);
  expect(columns.flatMap(failuresOf)[0]).toMatch(/^one: \[B1\] .*: lost one$/);
});

test.for([
  ['README.md', Object.keys(GROUPS)],
  ['docs/promises.md', Object.keys(clauses)],
] as const)('%s has every row, and none that was not kept', async ([document, rows]) => {
  const text = await readFile(new URL(`../../${document}`, import.meta.url), 'utf8');
  const [, matrix = ''] = /<!-- matrix:begin -->(.*)<!-- matrix:end -->/s.exec(text) ?? [];
  const order = new Intl.Collator('en', { numeric: true });
  const shown = [...matrix.matchAll(/^\| ([A-Z][0-9]*) \|/gm)].map(([, row]) => row);
  expect(shown).toEqual(rows.toSorted(order.compare));
  expect(matrix).not.toMatch(/[✗—]/);
});
