import type { Entry } from './journal.ts';

const VERBS: Readonly<Partial<Record<Entry['what'], string>>> = {
  published: 'announced',
  sent: 'asked for',
  handled: 'handled',
  duplicate: 'had already handled',
  retried: 'failed at',
  'timed-out': 'was too slow for',
  'dead-lettered': 'gave up on',
  skipped: 'passed over',
  'publish-failed': 'could not send',
};

/** The way of each request through the services: one chapter a correlation id, one line an observation. */
export function tell(entries: readonly Entry[], titles: ReadonlyMap<string, string>): string {
  const chapters = [...titles].map(([correlationId, title]) => {
    const own = entries.filter((entry) => correlationOf(entry, entries) === correlationId);
    const inOrder = own.toSorted((one, other) => startOf(one) - startOf(other));
    const startedAt = inOrder[0] === undefined ? 0 : startOf(inOrder[0]);
    return [`  ${title}`, ...inOrder.map((entry) => line(entry, startedAt))].join('\n');
  });
  return chapters.join('\n\n');
}

/** A message that could not be read is known by its id alone: what was said of that id elsewhere holds for it too. */
function correlationOf({ id, correlationId }: Entry, entries: readonly Entry[]): string | undefined {
  return (
    correlationId ??
    entries.find((other) => other.id === id && other.correlationId !== undefined)?.correlationId
  );
}

/** Observations are made at the end of what they tell of; a story tells it where it began. */
function startOf({ atMs, durationMs = 0 }: Entry): number {
  return atMs - durationMs;
}

function line(entry: Entry, startedAt: number): string {
  const { what, type, source, consumer, attempt = 1, durationMs, reason } = entry;
  const who = (consumer ?? source ?? 'somebody').replace(/^\//, '').padEnd(31);
  const again = attempt > 1 ? `, attempt ${attempt}` : '';
  const took = durationMs === undefined ? '' : `  (${durationMs.toFixed(1)} ms${again})`;
  const why = reason === undefined ? '' : `\n${' '.repeat(47)}because ${reason}`;
  return `  ${(startOf(entry) - startedAt).toFixed(1).padStart(8)} ms  ${who} ${(VERBS[what] ?? what).padEnd(9)} ${type ?? 'a message'}${took}${why}`;
}
