import { parseArgs } from 'node:util';
import { fillBlock, wholeNumber } from '../document.ts';
import { machine } from './machine.ts';
import { isSoon, LEASE_MS, rowsOf } from './recovery-report.ts';
import { measureRecovery, recovering } from './recovery-times.ts';

/** `npm run bench:recovery [-- --rounds=5] [--write]` */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, write: { type: 'boolean', default: false } },
});
const rounds = wholeNumber('rounds', values.rounds);
const measured = [];
for (const kind of await recovering()) {
  measured.push(await measureRecovery(kind, rounds, LEASE_MS));
}
const how = `${new Date().toISOString().slice(0, 10)}; \`npm run bench:recovery\`, ${rounds} rounds each. ${machine()}.`;
const report = [how, rowsOf(measured).join('\n')].join('\n\n');
console.log(report);
if (values.write) await fillBlock('docs/benchmarks.md', 'recovery', report);
const late = measured.filter((times) => !isSoon(times));
for (const { server } of late) console.error(`[waggle] ${server} takes longer than is promised`);
process.exitCode = late.length === 0 ? 0 : 1;
