import { appendFunctions } from './sql-append.ts';
import { commitFunctions } from './sql-commit.ts';
import { judgeFunctions } from './sql-judge.ts';
import { readFunctions } from './sql-read.ts';
import { tables } from './sql-tables.ts';

/** By name: what makes the tables and functions, given the quoted name of the schema. */
export type Migrations = Readonly<Record<string, (schema: string) => string>>;

/**
 * What brings a schema from one version to the next, by name and in the order of the names. Never change one that was released,
 * add another. Each has to leave what older code uses as it was, or say in the changelog that all processes have to be stopped.
 * Functions may be replaced by a later migration as long as they take and answer the same.
 */
export const MIGRATIONS: Migrations = {
  '0001-tables': tables,
  '0002-functions': (schema) =>
    [appendFunctions, judgeFunctions, commitFunctions, readFunctions]
      .map((functions) => functions(schema))
      .join(''),
};
