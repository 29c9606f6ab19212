import type { DeadLetter, DeadLetterFilter, DeadLetters } from '@waggle/kernel';
import { createMessaging, parseTime } from '@waggle/messaging';
import { detailsOf, summaryOf } from '../dead-letter-view.ts';
import type { Details, Summary } from '../dead-letter-view.ts';
import { withBroker } from './broker.ts';
import type { OpenBroker } from './broker.ts';
import type { Status, Terminal, Tool } from './tool.ts';
import { choose, parseWords, printable, UsageError } from './tool.ts';

const HELP = `
What was given up on, on the broker that the environment names (BROKER, NAMESPACE and so on, as for the host).

  npm run dead-letters -- list    [filter]            what is not dealt with, oldest first
  npm run dead-letters -- show    <id>                one of them, with its headers and its body
  npm run dead-letters -- redrive <which> [--dry-run] give them back to the group that gave up, and to no other
  npm run dead-letters -- discard <which> [--dry-run] remove them for good, unhandled

<which> is one or more ids, or a filter, or --all. A filter is any of

  --consumer <group or queue>    who gave up
  --type <message type>
  --cause <cause>                rejected, attempts-exhausted, undecodable, schema, unhandled
  --reason <text>                part of the reason, whatever the case
  --since <when>  --before <when>  a time such as 2026-11-23T09:30:00Z, or how long ago: 90s, 30m, 2h, 7d

--json prints one JSON document (npm run --silent ...); bodies that are not UTF-8 are in Base64.
Exit status: 0 done, 1 it failed or there is no such dead letter, 2 not understood.
`;

const OPTIONS = {
  consumer: { type: 'string' },
  type: { type: 'string' },
  cause: { type: 'string' },
  reason: { type: 'string' },
  since: { type: 'string' },
  before: { type: 'string' },
  all: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseWords<typeof OPTIONS>>['values'];
type Action = 'list' | 'show' | 'redrive' | 'discard';

interface Request {
  readonly action: Action;
  readonly filters: readonly DeadLetterFilter[];
  /** Each of them has to be there. */
  readonly byId: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

export const deadLetters: Tool = {
  name: 'dead-letters',
  help: HELP,
  async run(words, terminal) {
    const request = understand(words);
    return withBroker(terminal.environment, 'bind', (broker) => carryOut(request, broker, terminal));
  },
};

/** @throws UsageError */
function understand(words: readonly string[]): Request {
  const { positionals, values } = parseWords(words, OPTIONS);
  const [word, ...ids] = positionals;
  const action = choose(word, ['list', 'show', 'redrive', 'discard']);
  const filter = filterOf(values);
  const isNarrowed = Object.keys(filter).length > 0;
  const resolves = action === 'redrive' || action === 'discard';
  if (!resolves && (values.all || values['dry-run'])) {
    throw new UsageError(`${action} knows no --all and no --dry-run: leave them out`);
  }
  if (action === 'list' && ids.length > 0)
    throw new UsageError(`list takes no "${ids[0]}": say show ${ids[0]}`);
  if (action === 'show' && (ids.length !== 1 || isNarrowed)) {
    throw new UsageError('show takes one id and nothing else: list tells the ids');
  }
  const ways = [ids.length > 0, isNarrowed, values.all === true].filter(Boolean).length;
  if (resolves && ways !== 1) {
    throw new UsageError(
      `${action} is for ids, or for a filter, or for --all: say one of them, and only one`,
    );
  }
  const byId = ids.length > 0;
  const filters = byId ? ids.map((id) => ({ id })) : [filter];
  return { action, filters, byId, dryRun: values['dry-run'] === true, json: values.json === true };
}

function filterOf(values: Values): DeadLetterFilter {
  const { consumer, type: messageType, cause, reason, since, before } = values;
  const given = {
    consumer,
    messageType,
    cause,
    reason,
    since: timeOf('since', since),
    before: timeOf('before', before),
  };
  // A cause that is none is refused by what filters.
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as DeadLetterFilter;
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `2h` is two hours ago. @throws UsageError */
function timeOf(option: string, when: string | undefined): string | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(when ?? '') ?? [];
  if (count === undefined && when !== undefined && Number.isNaN(parseTime(when))) {
    const examples = '2h, 7d, or a time as in RFC 3339, such as 2026-11-23T09:30:00Z';
    throw new UsageError(`--${option} is "${when}", which is no time: write ${examples}`);
  }
  if (count === undefined) return when;
  return new Date(Date.now() - Number(count) * (UNITS_MS[unit] ?? 0)).toISOString();
}

async function carryOut(
  request: Request,
  { driver, where, settings }: OpenBroker,
  terminal: Terminal,
): Promise<Status> {
  const { action, filters, byId, dryRun, json } = request;
  const { LANES: lanes, MAX_EVENT_BYTES: maxMessageBytes } = settings;
  const port = createMessaging({ driver, lanes, maxMessageBytes }).deadLetters;
  const found: DeadLetter[] = [];
  const missing: string[] = [];
  for (const filter of filters) {
    const some = await ask(port, request, filter);
    found.push(...some);
    if (byId && some.length === 0) missing.push(filter.id ?? '');
  }
  for (const id of missing)
    terminal.note(`[waggle] there is no dead letter ${id}, or it was dealt with: list tells the ids`);
  const [first] = found;
  if (action === 'show' && first !== undefined) {
    const details = detailsOf(first);
    terminal.print(json ? JSON.stringify({ ...where, ...details }, undefined, 2) : tellWhole(details));
  } else if (action !== 'show' || json) {
    const told = { ...where, ...(action !== 'list' && { action, dryRun }), total: found.length };
    const summaries = found.map(summaryOf);
    terminal.print(
      json
        ? JSON.stringify({ ...told, deadLetters: summaries }, undefined, 2)
        : [headline(request, found.length, where), ...summaries.map(tell)].join('\n'),
    );
  }
  return missing.length > 0 ? 1 : 0;
}

function ask(
  port: DeadLetters,
  { action, dryRun }: Request,
  filter: DeadLetterFilter,
): Promise<readonly DeadLetter[]> {
  return action === 'list' || action === 'show' ? port.list(filter) : port[action](filter, { dryRun });
}

function headline({ action, dryRun }: Request, count: number, where: OpenBroker['where']): string {
  const did = { list: '', show: '', redrive: 'redriven', discard: 'discarded' }[action];
  const what = `${count} dead letter${count === 1 ? '' : 's'}`;
  const outcome = did === '' ? what : dryRun ? `${what} would be ${did}; nothing was done` : `${what} ${did}`;
  return `namespace ${where.namespace} on ${where.broker}: ${outcome}`;
}

function tell(summary: Summary): string {
  const { id, cause, attempts, time, reason, messageType, bodyBytes, cutFromBytes, held = false } = summary;
  const cut =
    cutFromBytes === undefined ? '' : ` of ${cutFromBytes}, cut${held ? '' : ': cannot be redriven'}`;
  return printable(
    [
      `  ${id}`,
      `    ${cause} after ${attempts} attempt${attempts === 1 ? '' : 's'}, ${time}: ${reason}`,
      `    ${messageType ?? 'of no type that could be read'}, ${bodyBytes} bytes${cut}`,
      ...(held ? ['    held in its place: what is behind it waits until it is redriven or discarded'] : []),
    ].join('\n'),
  );
}

function tellWhole(details: Details): string {
  const { body, headers, bodyEncoding } = details;
  const named = Object.entries(headers).map(([name, value]) => `    ${name}: ${value}`);
  return printable(
    [
      tell(details),
      `  content type: ${details.contentType ?? 'none'}`,
      `  headers:${named.length === 0 ? ' none' : ''}`,
      ...named,
      `  body, in ${bodyEncoding}:`,
      body,
    ].join('\n'),
  );
}
