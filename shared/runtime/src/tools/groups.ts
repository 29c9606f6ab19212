import type { ConsumerGroups, Cursor, GroupState, StartPosition } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { createMessaging } from '@waggle/messaging';
import type { OpenBroker } from './broker.ts';
import { withBroker } from './broker.ts';
import { handledHere } from './handled-here.ts';
import type { Status, Terminal, Tool } from './tool.ts';
import { choose, parseWords, printable, UsageError } from './tool.ts';

const HELP = `
Consumer groups and queues, on the broker that the environment names (BROKER, NAMESPACE and so on, as for the host).

  npm run groups -- list                                  all of them, whoever declared them
  npm run groups -- reset <group> --from <where> [--yes]  lets a group begin again elsewhere
  npm run groups -- delete group <name> [--yes]           removes a group, with what it has not settled
  npm run groups -- delete queue <name> [--yes]           removes a queue, with the commands in it

<where> is beginning, new, or a cursor of the event stream, which means behind it. Without --yes it is told what would be
done, and nothing is. Nobody may consume what is reset or deleted: stop its service first, everywhere.

list marks as ORPHAN what no handler of the services in this repository uses: it keeps its messages for ever, unread. Others
may share the namespace: ask before you delete.

--json prints one JSON document (npm run --silent ...).
Exit status: 0 done, 1 it failed or --yes was missing, 2 not understood.
`;

const OPTIONS = { from: { type: 'string' }, yes: { type: 'boolean' }, json: { type: 'boolean' } } as const;

type Request =
  | { readonly action: 'list' }
  | { readonly action: 'reset'; readonly target: Target; readonly from: StartPosition }
  | { readonly action: 'delete'; readonly target: Target };

type Target = Pick<GroupState, 'kind' | 'name'>;

export const groups: Tool = {
  name: 'groups',
  help: HELP,
  async run(words, terminal) {
    const { positionals, values } = parseWords(words, OPTIONS);
    const request = understand(positionals, values.from);
    const json = values.json === true;
    const yes = values.yes === true;
    if (request.action === 'list') {
      if (yes) throw new UsageError('list does nothing that --yes could be said to: leave it out');
      return withBroker(terminal.environment, 'bind', (broker) => list(broker, json, terminal));
    }
    const state = await withBroker(terminal.environment, 'bind', (broker) => find(broker, request.target));
    if (!yes) return announce(request, state, json, terminal);
    if (state.inUse) {
      throw new MessagingError(
        'conflict',
        `${nameOf(state)} is in use: stop whoever consumes it, and wait until list says so`,
      );
    }
    return withBroker(terminal.environment, 'as-configured', (broker) =>
      carryOut(request, state, broker, json, terminal),
    );
  },
};

/** @throws UsageError */
function understand([word, ...rest]: readonly string[], from: string | undefined): Request {
  const action = choose(word, ['list', 'reset', 'delete']);
  if (action !== 'reset' && from !== undefined)
    throw new UsageError(`${action} knows no --from: leave it out`);
  if (action === 'list') {
    if (rest.length > 0) throw new UsageError(`list takes no "${rest[0]}": it tells all`);
    return { action };
  }
  if (action === 'reset') {
    const [name, ...more] = rest;
    if (name === undefined || more.length > 0) throw new UsageError('reset takes the name of one group');
    if (from === undefined || from === '') {
      throw new UsageError(`where should ${name} begin? Say --from beginning, new or a cursor`);
    }
    const start = from === 'beginning' || from === 'new' ? from : { after: from as Cursor };
    return { action, target: { kind: 'group', name }, from: start };
  }
  const [kindWord, name, ...more] = rest;
  const kind = choose(kindWord, ['group', 'queue']);
  if (name === undefined || more.length > 0)
    throw new UsageError(`delete ${kind} takes the name of one ${kind}`);
  return { action, target: { kind, name } };
}

const portOf = ({ driver, settings }: OpenBroker): ConsumerGroups =>
  createMessaging({ driver, lanes: settings.LANES, maxMessageBytes: settings.MAX_EVENT_BYTES }).groups;

const nameOf = ({ kind, name }: Target): string => `${kind} ${name}`;

async function list(broker: OpenBroker, json: boolean, { print, environment }: Terminal): Promise<Status> {
  const [states, used] = await Promise.all([portOf(broker).list(), handledHere(environment, broker.driver)]);
  const rows = states.map((state) => ({ ...state, orphan: !used.has(nameOf(state)) }));
  const { namespace, broker: name } = broker.where;
  print(
    json
      ? JSON.stringify({ ...broker.where, groups: rows }, undefined, 2)
      : [`namespace ${namespace} on ${name}: ${rows.length} groups and queues`, ...table(rows)].join('\n'),
  );
  return 0;
}

function table(rows: readonly (GroupState & { readonly orphan: boolean })[]): readonly string[] {
  if (rows.length === 0) return [];
  const cells = [
    ['kind', 'name', 'ordering', 'lag', 'in use', '', 'types'],
    ...rows.map(({ kind, name, ordering, types, lag, inUse, orphan }) => {
      const marks = [inUse ? 'yes' : 'no', orphan ? 'ORPHAN' : ''];
      return [kind, name, ordering, String(lag), ...marks, types.join(', ')];
    }),
  ];
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  return cells.map((row) =>
    printable(`  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()),
  );
}

/** @throws MessagingError `unroutable` */
async function find(broker: OpenBroker, { kind, name }: Target): Promise<GroupState> {
  const states = await portOf(broker).list();
  const found = states.find((state) => state.kind === kind && state.name === name);
  if (found !== undefined) return found;
  const known = states.filter((state) => state.kind === kind).map((state) => state.name);
  throw new MessagingError(
    'unroutable',
    `there is no ${kind} "${name}" in namespace ${broker.where.namespace} on ${broker.where.broker}, only: ${known.join(', ') || 'none'}`,
  );
}

type Change = Exclude<Request, { readonly action: 'list' }>;

function announce(request: Change, state: GroupState, json: boolean, { print, note }: Terminal): Status {
  const inUse = state.inUse ? '; it is in use, and has to be stopped before' : '';
  if (json) print(JSON.stringify({ action: request.action, done: false, ...state }, undefined, 2));
  else print(`would ${tell(request, state)}${inUse}`);
  note('[waggle] nothing was done: say it again with --yes');
  return 1;
}

async function carryOut(
  request: Change,
  state: GroupState,
  broker: OpenBroker,
  json: boolean,
  { print }: Terminal,
): Promise<Status> {
  const port = portOf(broker);
  if (request.action === 'reset') await port.reset(request.target.name, request.from);
  else await port.delete(request.target);
  const { namespace, broker: name } = broker.where;
  print(
    json
      ? JSON.stringify({ ...broker.where, action: request.action, done: true, ...state }, undefined, 2)
      : `namespace ${namespace} on ${name}: ${tell(request, state)}: done`,
  );
  return 0;
}

function tell(request: Change, { lag }: GroupState): string {
  const forgotten = lag === 0 ? 'nothing in it is unsettled' : `${lag} unsettled messages are forgotten`;
  if (request.action === 'delete') return printable(`delete ${nameOf(request.target)}: ${forgotten}`);
  const where = typeof request.from === 'string' ? `at "${request.from}"` : `behind ${request.from.after}`;
  return printable(`let ${nameOf(request.target)} begin again ${where}: ${forgotten}`);
}
