/** What a broken driver tells, and the harness says must not be told. */
export const PASSWORD = 'a-secret-of-the-test';
