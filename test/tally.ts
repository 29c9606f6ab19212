/** A folder with tests. */
export interface Workspace {
  readonly name: string;
  readonly folder: string;
}

/** What is used of the JSON report that vitest writes. */
export interface Report {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What failed, for people: tests by name, and what kept others from running. */
  readonly problems: readonly string[];
}

/**
 * Adds up reports. Whatever keeps tests from passing counts as a failure: a report that is missing, a file that could
 * not be loaded, a test that was skipped, a runner that failed although its tests passed, and no test at all.
 */
export function tally(
  ran: readonly { readonly name: string; readonly report: Report | undefined }[],
  exitStatus: number,
): Tally {
  const problems: string[] = [];
  let passed = 0;
  let failed = 0;
  const fail = (problem: string): void => {
    failed++;
    problems.push(problem);
  };
  for (const { name, report } of ran) {
    const failedBefore = failed;
    if (report === undefined) {
      fail(`${name}: no test report: the tests did not run, or crashed`);
      continue;
    }
    for (const file of report.testResults) {
      const statuses = file.assertionResults.map(({ status }) => status);
      const inFile = { passed: statuses.filter((status) => status === 'passed').length };
      passed += inFile.passed;
      failed += statuses.length - inFile.passed;
      for (const { status, fullName, failureMessages } of file.assertionResults) {
        const [reason = ''] = failureMessages;
        if (status === 'failed') problems.push(`${file.name}: ${fullName}: ${reason.split('\n    at ')[0]}`);
      }
      if (file.status === 'failed' && inFile.passed === statuses.length)
        fail(`${file.name}: failed outside its tests`);
      const skipped = statuses.filter((status) => status !== 'passed' && status !== 'failed').length;
      if (skipped > 0) problems.push(`${file.name}: ${skipped} did not run, which counts as failed`);
    }
    if (report.testResults.length === 0) fail(`${name}: no test was found`);
    if (!report.success && failed === failedBefore) fail(`${name}: the run failed although its tests passed`);
  }
  if (passed === 0 && failed === 0) fail('no test ran');
  if (exitStatus !== 0 && failed === 0) fail(`the test runner ended with status ${exitStatus}`);
  return { passed, failed, problems };
}
