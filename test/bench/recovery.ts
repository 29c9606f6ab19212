import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isSoon, LEASE_MS, rowsOf } from './recovery-report.ts';
import { measureRecovery } from './recovery-times.ts';
import { machine } from './throughput.ts';

/** `npm run bench:recovery [-- --rounds=5] [--write]` */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, write: { type: 'boolean', default: false } },
});
const DOCUMENT = new URL('../../docs/benchmarks.md', import.meta.url);
const BLOCK = /(<!-- recovery:begin -->\n)[^]*(<!-- recovery:end -->)/;

const rounds = Number(values.rounds);
if (!(Number.isInteger(rounds) && rounds > 0)) {
  throw new Error(`[waggle] --rounds is "${values.rounds}": give a whole number above 0`);
}
const measured = [];
for (const kind of ['nats', 'rabbitmq'] as const) {
  measured.push(await measureRecovery(kind, rounds, LEASE_MS));
}
const how = `${new Date().toISOString().slice(0, 10)}; \`npm run bench:recovery\`, ${rounds} rounds each. ${machine()}.`;
const report = [how, rowsOf(measured).join('\n')].join('\n\n');
console.log(report);
if (values.write) {
  const document = await readFile(DOCUMENT, 'utf8');
  if (!BLOCK.test(document)) throw new Error('[waggle] docs/benchmarks.md has lost its markers');
  const filled = document.replace(BLOCK, (_, begin: string, end: string) => `${begin}\n${report}\n\n${end}`);
  await writeFile(DOCUMENT, filled);
}
const late = measured.filter((times) => !isSoon(times));
for (const { server } of late) console.error(`[waggle] ${server} takes longer than is promised`);
process.exitCode = late.length === 0 ? 0 : 1;
