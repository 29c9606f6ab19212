import { expect, test } from 'vitest';
import { isSoon, LEASE_MS, rowsOf } from './recovery-report.ts';
import { measureRecovery, recovering } from './recovery-times.ts';
import { tellIfNone } from '../adapters/tell-if-none.ts';

tellIfNone('broker', await recovering());

test.for(await recovering())(
  'on %s a restart and a killed member are got over in the time that is promised',
  async (kind) => {
    const times = await measureRecovery(kind, 1, LEASE_MS);
    expect(times).toSatisfy(isSoon);
    expect(rowsOf([times]).at(-1)).toMatch(/^\| \w+ \d+\.\d+\.\d+ \| \d+ ms/);
  },
);
