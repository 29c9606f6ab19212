import type { StoreKind } from './kinds.ts';
import { COUNT, FIRST, SECOND, TALLY } from './service.ts';

/** A place between two steps on the way of a message. */
export interface KillPoint {
  readonly name: string;
  /** As it goes on after "killed". */
  readonly when: string;
  /** The only store that has it, as they do not go the same way inside of a commit. @default all, that in memory too */
  readonly onlyOn?: StoreKind | undefined;
}

/** Whose unit of work it is. */
export type Work = 'request' | 'count' | 'tally';

/** Which event it is: the one that the request announces, or the one that the first handler does. */
export type Stage = 'first' | 'second';

export const workOf = (group: string): Work | undefined =>
  group === COUNT ? 'count' : group === TALLY ? 'tally' : undefined;

export const stageOf = (type: string): Stage | undefined =>
  type === FIRST ? 'first' : type === SECOND ? 'second' : undefined;

const TITLES: Readonly<Record<Work, string>> = {
  request: 'the request',
  count: 'the first handler',
  tally: 'the second handler',
};

const point = (name: string, when: string, onlyOn?: StoreKind): KillPoint => ({ name, when, onlyOn });

/** @param inside in the middle of what the commit writes */
const committed = (work: Work, inside: KillPoint): readonly KillPoint[] => [
  point(`${work}.begin`, `before ${TITLES[work]} commits`),
  inside,
  point(`${work}.end`, `when ${TITLES[work]} has written all and not committed`, 'sqlite'),
  point(`${work}.sent`, `while ${TITLES[work]} commits`, 'postgres'),
  point(`${work}.committed`, `after ${TITLES[work]} committed`),
];

const published = (stage: Stage): readonly KillPoint[] => [
  point(`${stage}.publish`, `before the ${stage} event is published`),
  point(`${stage}.remove`, `after the ${stage} event was confirmed`),
  point(`${stage}.removed`, `after the ${stage} event left the outbox`),
];

const handled = (work: Work): readonly KillPoint[] => [
  point(`${work}.delivered`, `before ${TITLES[work]} is given its message`),
  ...committed(work, point(`${work}.inbox`, `before ${TITLES[work]} writes to the inbox`, 'sqlite')),
  point(`${work}.acked`, `after ${TITLES[work]} acknowledged`),
];

/** From the request to the effect of the first handler. */
export const firstHalf: readonly KillPoint[] = [
  ...committed('request', point('request.outbox', 'between append and outbox', 'sqlite')),
  ...published('first'),
  ...handled('count'),
];

/** Between every two steps of append, outbox, publish, delete, deliver, inbox, commit, ack, for two events in a row. */
export const killPoints: readonly KillPoint[] = [...firstHalf, ...published('second'), ...handled('tally')];
