import { parseArgs } from 'node:util';
import { fillBlock, wholeNumber } from '../document.ts';
import { machine } from './machine.ts';
import { BROKERS, isKept, measure, tableOf, type Broker, type Section } from './throughput.ts';

/** `npm run bench [-- memory nats rabbitmq] [--rounds=5] [--count=20000] [--write]` */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '20000' },
    write: { type: 'boolean', default: false },
  },
});

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
if (values.write) await fillBlock('docs/benchmarks.md', 'throughput', report);
const missed = sections.flatMap(({ figures }) => figures).filter((figures) => !isKept(figures));
for (const { contest } of missed) console.error(`[waggle] below what is promised: ${contest.title}`);
process.exitCode = missed.length === 0 ? 0 : 1;

function brokerOf(name: string): Broker {
  const broker = BROKERS.find((each) => each === name);
  if (broker === undefined)
    throw new Error(`[waggle] "${name}" cannot be measured: use ${BROKERS.join(', ')}`);
  return broker;
}
