import { expect, test } from 'vitest';
import { clauses, contractCases } from './suite/index.ts';

test('no clause is without a test', () => {
  const tested = new Set<string>(contractCases.map(({ id }) => id));
  expect(Object.keys(clauses).filter((id) => !tested.has(id))).toEqual([]);
});

test('every test has a name of its own that carries the id of its clause', () => {
  const names = contractCases.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { id, name } of contractCases) expect(name.startsWith(`[${id}] `)).toBe(true);
});
