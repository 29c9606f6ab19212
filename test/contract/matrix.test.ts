import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { failuresOf, MATRICES, matrixOf, type MatrixRows } from './matrix.ts';
import { contractCases, type CaseResult } from './suite/index.ts';

const all = contractCases.map((each): CaseResult => ({ case: each, declared: [] }));

test.for(Object.entries(MATRICES))('every clause belongs to a group that is described: %s', ([, matrix]) => {
  for (const id of Object.keys(matrix.clauses)) expect(matrix.groups).toHaveProperty(id[0] ?? '');
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
  const { byGroup, byClause } = matrixOf(columns, MATRICES.matrix);
  expect(byGroup).toMatch(/^\| B \| .* \| ✗ B1 \| ✓ \|$/m);
  expect(byGroup).toMatch(/^\| F \| .* \| ✓ \| ✓¹ \|$/m);
  expect(byGroup).toContain('¹ other: a NAK counts.');
  expect(byClause).toMatch(/^\| F15 \| .* \| ✓ \| ✓¹ \|$/m);
  expect(columns.flatMap(failuresOf)[0]).toMatch(/^one: \[B1\] .*: lost one$/);
});

const documents = Object.entries(MATRICES).flatMap(([name, { groups, clauses }]: [string, MatrixRows]) => [
  { document: 'README.md', name, rows: Object.keys(groups) },
  { document: 'docs/promises.md', name, rows: Object.keys(clauses) },
]);

test.for(documents)('$document has every row of $name, and none that was not kept', async (expected) => {
  const { document, name, rows } = expected;
  const text = await readFile(new URL(`../../${document}`, import.meta.url), 'utf8');
  const [, matrix = ''] = new RegExp(`<!-- ${name}:begin -->(.*)<!-- ${name}:end -->`, 's').exec(text) ?? [];
  const order = new Intl.Collator('en', { numeric: true });
  const shown = [...matrix.matchAll(/^\| ([A-Z][0-9]*) \|/gm)].map(([, row]) => row);
  expect(shown).toEqual(rows.toSorted(order.compare));
  expect(matrix).not.toMatch(/[✗—]/);
});
