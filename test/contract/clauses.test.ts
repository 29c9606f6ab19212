import { expect, test } from 'vitest';
import { storeCases, storeClauses } from './stores/index.ts';
import { clauses, contractCases } from './suite/index.ts';

const SUITES = [
  { of: 'brokers', ids: Object.keys(clauses), cases: contractCases },
  { of: 'stores', ids: Object.keys(storeClauses), cases: storeCases },
];

test.for(SUITES)('no clause is without a test: $of', ({ ids, cases }) => {
  const tested = new Set<string>(cases.map(({ id }) => id));
  expect(ids.filter((id) => !tested.has(id))).toEqual([]);
});

test.for(SUITES)('every test has a name of its own that carries the id of its clause: $of', ({ cases }) => {
  const names = cases.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { id, name } of cases) expect(name.startsWith(`[${id}] `)).toBe(true);
});

test('an id is a clause of one suite alone', () => {
  expect(Object.keys(storeClauses).filter((id) => id in clauses)).toEqual([]);
});
