import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { BROKERS, isKept, machine, measure, tableOf, type Broker, type Section } from './throughput.ts';

/** `npm run bench [-- memory nats rabbitmq] [--rounds=5] [--count=20000] [--write]` */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '20000' },
    write: { type: 'boolean', default: false },
  },
});
const DOCUMENT = new URL('../../docs/benchmarks.md', import.meta.url);
const BLOCK = /(<!-- throughput:begin -->\n)[^]*(<!-- throughput:end -->)/;

const asked = positionals.length === 0 ? BROKERS : positionals.map(brokerOf);
const count = wholeNumber('count', values.count);
const rounds = wholeNumber('rounds', values.rounds);
const sections: Section[] = [];
for (const broker of asked) {
  sections.push(
    await measure(broker, { count, slow: Math.ceil(count / 4), rounds }, ({ contest, ours, other }) =>
      console.error(
        `${contest.title}: ${Math.round(ours)}${other === undefined ? '' : ` against ${Math.round(other)}`}`,
      ),
    ),
  );
}
const how = `${new Date().toISOString().slice(0, 10)}; medians of ${rounds} by turns, ${count} messages each. ${machine()}.`;
const report = [how, ...sections.map(tableOf)].join('\n\n');
console.log(report);
if (values.write) await keep(report);
const missed = sections.flatMap(({ figures }) => figures).filter((figures) => !isKept(figures));
for (const { contest } of missed) console.error(`[waggle] below what is promised: ${contest.title}`);
process.exitCode = missed.length === 0 ? 0 : 1;

function brokerOf(name: string): Broker {
  const broker = BROKERS.find((each) => each === name);
  if (broker === undefined)
    throw new Error(`[waggle] "${name}" cannot be measured: use ${BROKERS.join(', ')}`);
  return broker;
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`[waggle] --${name} is "${text}": give a whole number above 0`);
}

async function keep(text: string): Promise<void> {
  const document = await readFile(DOCUMENT, 'utf8');
  if (!BLOCK.test(document)) throw new Error('[waggle] docs/benchmarks.md has lost its markers');
  await writeFile(
    DOCUMENT,
    document.replace(BLOCK, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`),
  );
}
