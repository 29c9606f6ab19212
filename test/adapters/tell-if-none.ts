import { expect, test } from 'vitest';

/**
 * For tests on what adapters bring, of whom all may be deleted: where there is nothing to test on, one test says so. A file without
 * any test counts as broken.
 */
export function tellIfNone(what: string, found: readonly unknown[]): void {
  test.for(found.length === 0 ? [what] : [])('there is no %s to test this on', () => {
    expect(found).toEqual([]);
  });
}
