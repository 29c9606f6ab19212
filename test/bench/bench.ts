import { parseArgs } from 'node:util';
import { fillBlock, wholeNumber } from '../document.ts';
import { machine } from './machine.ts';
import { isKept, isStore, measure, SUBJECTS, tableOf, type Section } from './throughput.ts';

/** `npm run bench [-- memory, or the names of adapters] [--rounds=5] [--count=20000] [--rows=1000000] [--write]` */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '20000' },
    rows: { type: 'string', default: '1000000' },
    write: { type: 'boolean', default: false },
  },
});

const asked = positionals.length === 0 ? SUBJECTS : positionals.map(subjectOf);
const count = wholeNumber('count', values.count);
const rounds = wholeNumber('rounds', values.rounds);
const rows = wholeNumber('rows', values.rows);
const sections = new Map<string, Section>();
for (const subject of asked) {
  const scale = { count, slow: Math.ceil(count / 4), rounds, rows };
  const section = await measure(subject, scale, ({ contest, ours, other }) =>
    console.error(
      `${contest.title}: ${Math.round(ours)}${other === undefined ? '' : ` against ${Math.round(other)}`}`,
    ),
  );
  sections.set(subject, section);
}
const how = `${new Date().toISOString().slice(0, 10)}; medians of ${rounds} by turns, ${count} messages each. ${machine()}.`;
for (const [block, isIn] of [
  ['throughput', (subject: string) => !isStore(subject)],
  ['stores', isStore],
] as const) {
  const tables = [...sections].filter(([subject]) => isIn(subject)).map(([, section]) => tableOf(section));
  if (tables.length === 0) continue;
  const report = [how, ...tables].join('\n\n');
  console.log(report);
  if (values.write) await fillBlock('docs/benchmarks.md', block, report);
}
const missed = [...sections.values()].flatMap(({ figures }) => figures).filter((figures) => !isKept(figures));
for (const { contest } of missed) console.error(`[waggle] below what is promised: ${contest.title}`);
process.exitCode = missed.length === 0 ? 0 : 1;

function subjectOf(name: string): string {
  const subject = SUBJECTS.find((each) => each === name);
  if (subject === undefined)
    throw new Error(`[waggle] "${name}" cannot be measured: use ${SUBJECTS.join(', ')}`);
  return subject;
}
