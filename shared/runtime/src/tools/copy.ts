import type { CopyReport } from '@waggle/messaging';
import { copyStream } from '@waggle/messaging';
import type { Environment } from '../configuration.ts';
import { hostSettings } from '../host-settings.ts';
import type { OpenBroker } from './broker.ts';
import { withBroker } from './broker.ts';
import { endEnvironment } from './copy-ends.ts';
import type { Status, Terminal, Tool } from './tool.ts';
import { parseWords, printable, UsageError } from './tool.ts';

const PROGRESS_MS = 1_000;

const HELP = `
Copies the events of one broker to another: same ids, types, headers and bodies, in the order of their keys.

  npm run copy -- --from <broker> --to <broker>    as BROKER names them
      --from-url <url>  --to-url <url>             else <BROKER>_URL of the environment
      --from-namespace <name>  --to-namespace <name>   else NAMESPACE
      --follow         goes on with live events until it is told to stop (Ctrl-C, SIGTERM)
      --allow-foreign  also into a log that holds events which were not copied from there
      --accept-gap     goes on with the oldest event that is kept, if the source no longer keeps all that comes next
      --skip-refused   passes over what the destination refuses for good, such as what is too large, and tells each
      --json           prints the report as JSON (npm run --silent ...)

Any setting can differ between the two: FROM_<SETTING> and TO_<SETTING> go before <SETTING>, as in TO_LANES=32.
Interrupted in whatever way, even by a kill, it goes on where it was when it is run again: every copied event says where it
came from. Queues, dead letters and the places of groups are not copied: docs/switching-brokers.md has the whole recipe.
Run one copy at a time. Exit status: 0 done, 1 it failed, 2 not understood.
`;

const OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  'from-url': { type: 'string' },
  'to-url': { type: 'string' },
  'from-namespace': { type: 'string' },
  'to-namespace': { type: 'string' },
  follow: { type: 'boolean' },
  'allow-foreign': { type: 'boolean' },
  'accept-gap': { type: 'boolean' },
  'skip-refused': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseWords<typeof OPTIONS>>['values'];

export const copy: Tool = {
  name: 'copy',
  help: HELP,
  async run(words, terminal) {
    const { positionals, values } = parseWords(words, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is no option: see --help`);
    const [from, to] = await Promise.all([
      endEnvironment('from', terminal.environment, {
        broker: values.from,
        url: values['from-url'],
        namespace: values['from-namespace'],
      }),
      endEnvironment('to', terminal.environment, {
        broker: values.to,
        url: values['to-url'],
        namespace: values['to-namespace'],
      }),
    ]);
    refuseSame(from, to);
    refuseFleeting({ from, to });
    return withBroker(from.environment, 'bind', (source) =>
      withBroker(to.environment, 'as-configured', (destination) =>
        carryOut(source, destination, values, terminal),
      ),
    );
  },
};

interface End {
  readonly environment: Environment;
  readonly url: string | undefined;
}

/** @throws UsageError */
function refuseSame(from: End, to: End): void {
  const [one, other] = [from, to].map(({ environment, url }) => [
    environment['BROKER'],
    environment['NAMESPACE'] || hostSettings.NAMESPACE.default,
    url ?? '',
  ]);
  if (String(one) !== String(other)) return;
  throw new UsageError(
    'source and destination are the same: give another broker, --to-url or --to-namespace',
  );
}

/** @throws UsageError */
function refuseFleeting(ends: Readonly<Record<string, End>>): void {
  for (const [name, { environment }] of Object.entries(ends)) {
    if (environment['BROKER'] !== 'memory') continue;
    throw new UsageError(`--${name} is "memory", which ends with its process: name a broker that lasts`);
  }
}

async function carryOut(
  source: OpenBroker,
  destination: OpenBroker,
  values: Values,
  { note, print, signal, heedSignals }: Terminal,
): Promise<Status> {
  const [from, to] = [nameOf(source), nameOf(destination)];
  let before: CopyReport | undefined;
  let toldMs = 0;
  const onProgress = (report: CopyReport): void => {
    if (before === undefined) {
      heedSignals();
      note(`${from} to ${to}: ${beginning(report)}`);
    }
    const isDue = before === undefined || Date.now() - toldMs >= PROGRESS_MS;
    if (!isDue) return;
    if (before !== undefined) note(`${report.copied} copied, at ${report.position}`);
    for (const event of report.refused.slice(before?.refused.length ?? 0)) note(refusal(event));
    before = report;
    toldMs = Date.now();
  };
  const report = await copyStream({
    source: { driver: source.driver, name: from },
    destination: { driver: destination.driver, name: to },
    lanes: destination.settings.LANES,
    follow: values.follow === true,
    allowForeign: values['allow-foreign'] === true,
    acceptGap: values['accept-gap'] === true,
    skipRefused: values['skip-refused'] === true,
    signal,
    onProgress,
    onRetry: (reason) => note(`tried again: ${reason}`),
  });
  for (const event of report.refused.slice(before?.refused.length ?? 0)) note(refusal(event));
  const stopped = signal.aborted;
  print(
    values.json === true
      ? JSON.stringify({ from, to, stopped, ...report }, undefined, 2)
      : summary(from, to, report, stopped),
  );
  return 0;
}

const nameOf = ({ where }: OpenBroker): string => `${where.broker}/${where.namespace}`;

function beginning({ resumedBehind }: CopyReport): string {
  return resumedBehind === undefined
    ? 'from the beginning'
    : `goes on behind ${resumedBehind}, where an earlier run came to`;
}

const refusal = ({ id, position, reason }: CopyReport['refused'][number]): string =>
  printable(`refused, and passed over: ${id} at ${position}: ${reason}`);

function summary(from: string, to: string, report: CopyReport, stopped: boolean): string {
  const { copied, alreadyThere, returned, refused, position } = report;
  const dropped = Object.entries(report.droppedHeaders).map(([name, count]) => `${name} (${count})`);
  return printable(
    [
      position === undefined
        ? `${from} to ${to}: nothing to copy, the source has no events`
        : `${from} to ${to}: ${copied} events copied, up to ${position} of the source`,
      ...(stopped ? ['told to stop: the same command goes on from here'] : []),
      ...(alreadyThere > 0 ? [`${alreadyThere} more were there, from a run that was interrupted`] : []),
      ...(returned > 0 ? [`${returned} had come from ${to}, and were not copied back`] : []),
      ...(refused.length > 0 ? [`${refused.length} were refused and are not there: told above`] : []),
      ...(dropped.length > 0 ? [`headers that could not be carried: ${dropped.join(', ')}`] : []),
    ].join('\n'),
  );
}
