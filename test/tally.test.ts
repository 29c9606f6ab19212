import { expect, test } from 'vitest';
import { tally, type Report } from './tally.ts';

const report = (statuses: readonly string[], change: Partial<Report> = {}): Report => ({
  success: statuses.every((status) => status === 'passed'),
  testResults: [
    {
      name: 'some.test.ts',
      status: statuses.every((status) => status === 'passed') ? 'passed' : 'failed',
      assertionResults: statuses.map((status, index) => ({
        status,
        fullName: `test ${index}`,
        failureMessages: status === 'failed' ? ['Error: what was wrong\n    at some.test.ts:3:1'] : [],
      })),
    },
  ],
  ...change,
});

const of = (one: Report | undefined, exitStatus = 0) => {
  const { passed, failed } = tally([{ name: 'shared/kernel', report: one }], exitStatus);
  return [passed, failed];
};

test('passed and failed tests of all workspaces are added up', () => {
  const ran = [
    { name: 'shared/kernel', report: report(['passed', 'passed']) },
    { name: 'test', report: report(['passed', 'failed']) },
  ];
  expect(tally(ran, 1)).toEqual({
    passed: 3,
    failed: 1,
    problems: ['some.test.ts: test 1: Error: what was wrong'],
  });
});

test('a workspace that crashed before it wrote its report is a failure', () => {
  expect(of(undefined, 1)).toEqual([0, 1]);
  expect(of(undefined, 0)).toEqual([0, 1]);
});

test('a file that could not be loaded is a failure', () => {
  const testResults = [{ name: 'broken.test.ts', status: 'failed', assertionResults: [] }];
  expect(of({ success: false, testResults }, 1)).toEqual([0, 1]);
});

test('a test that did not run is a failure', () => {
  expect(of(report(['passed', 'skipped', 'todo']))).toEqual([1, 2]);
});

test('a run that found no test is a failure', () => {
  expect(of({ success: true, testResults: [] })).toEqual([0, 1]);
  expect(tally([], 0)).toMatchObject({ passed: 0, failed: 1 });
});

test('an error outside the tests is a failure though all of them passed', () => {
  expect(of(report(['passed'], { success: false }), 1)).toEqual([1, 1]);
});

test('a runner that fails for a reason of its own is a failure', () => {
  expect(of(report(['passed']), 1)).toEqual([1, 1]);
});
