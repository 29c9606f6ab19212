import { messageOf } from '@waggle/kernel';
import { storeClauses } from './stores/index.ts';
import { clauses, type CaseResult } from './suite/index.ts';

/** A suite as its matrix shows it. */
export interface MatrixRows {
  /** By id. */
  readonly clauses: Readonly<Record<string, string>>;
  /** The groups of clauses, by their letter. */
  readonly groups: Readonly<Record<string, string>>;
}

const BROKER_GROUPS = {
  A: 'Lifecycle: connecting, closing, a broker that is down at the start',
  B: 'Delivery: at least once, nothing lost, nothing twice without a reason',
  C: 'Shape: any bytes, any header, foreign clients',
  D: 'Consumer groups: each gets all, members share, wildcards',
  E: 'Order by key: across replicas, retries, and the death of a member',
  F: 'Failure: retries with backoff, dead letters, time-outs, long handlers',
  G: 'Backpressure: nothing taken that cannot start, memory bounded',
  H: 'Faults: restarts, lost connections, closed channels, deleted consumers',
  I: 'Drain: what is in flight ends, the rest is handed back',
  J: 'Publish: confirmed, or a typed error',
  K: 'Positions and retention: beginning, new, cursors, rewinding, what was skipped',
  L: 'Time: time to live of a queue',
  Q: 'Security: TLS, wrong certificates and credentials, refused permissions',
};

const STORE_GROUPS = {
  L: 'Time: scheduled messages, not early, cancelled, moved, over restarts',
  M: 'Store: optimistic appends, reading all of it without a gap, documents, one unit of work',
  N: 'Outbox and inbox: order by key, takeover of what a dead relay held, each effect once',
};

/** By the name of their block in the documents. */
export const MATRICES = {
  matrix: { clauses, groups: BROKER_GROUPS },
  'matrix-stores': { clauses: storeClauses, groups: STORE_GROUPS },
} satisfies Record<string, MatrixRows>;

/** What an adapter showed. */
export interface Column {
  readonly harness: {
    readonly name: string;
    readonly declares: Readonly<Partial<Record<string, string>>>;
  };
  readonly results: readonly CaseResult[];
}

const SUPERSCRIPTS = '¹²³⁴⁵⁶⁷⁸⁹';

/** Both tables as Markdown: by group for the README, by clause for whoever wants to know exactly. */
export function matrixOf(
  columns: readonly Column[],
  { clauses: byId, groups }: MatrixRows,
): {
  readonly byGroup: string;
  readonly byClause: string;
} {
  const notes: string[] = [];
  const markOf = (reason: string): string => {
    if (!notes.includes(reason)) notes.push(reason);
    return SUPERSCRIPTS[notes.indexOf(reason)] ?? '*';
  };
  const cell = ({ harness, results }: Column, belongs: (id: string) => boolean): string => {
    const own = results.filter(({ case: { id } }) => belongs(id));
    const failed = new Set(own.flatMap(({ case: { id }, error }) => (error === undefined ? [] : [id])));
    if (own.length === 0) return '—';
    if (failed.size > 0) return `✗ ${[...failed].join(' ')}`;
    const reasons = new Set(
      own.flatMap(({ declared }) => declared).map((each) => harness.declares[each] ?? each),
    );
    return `✓${[...reasons].map((reason) => markOf(`${harness.name}: ${reason}`)).join('')}`;
  };
  const table = (
    rows: readonly (readonly [string, string, (id: string) => boolean])[],
    what: string,
  ): string =>
    [
      `| | ${what} | ${columns.map(({ harness }) => harness.name).join(' | ')} |`,
      `| --- | --- | ${columns.map(() => ':---:').join(' | ')} |`,
      ...rows.map(
        ([id, text, belongs]) =>
          `| ${id} | ${text} | ${columns.map((column) => cell(column, belongs)).join(' | ')} |`,
      ),
      ...notes.flatMap((note, index) => ['', `${SUPERSCRIPTS[index] ?? '*'} ${note}.`]),
    ].join('\n');

  const letters = [...new Set(Object.keys(byId).map((id) => id[0] ?? ''))].toSorted();
  const byGroup = table(
    letters.map((letter) => [letter, groups[letter] ?? '', (id) => id.startsWith(letter)]),
    'promise',
  );
  const byClause = table(
    Object.entries(byId).map(([clause, text]) => [clause, text, (id) => id === clause]),
    'clause',
  );
  return { byGroup, byClause };
}

/** The failures, for people. */
export function failuresOf({ harness, results }: Column): readonly string[] {
  return results.flatMap(({ case: { name }, error }) =>
    error === undefined ? [] : [`${harness.name}: ${name}: ${messageOf(error).split('\n')[0] ?? ''}`],
  );
}
