import type { CommitStep } from './commit-steps.ts';
import { COUNT, FIRST, SECOND, TALLY } from './service.ts';

/** A place between two steps on the way of a message. */
export interface KillPoint {
  readonly name: string;
  /** As it goes on after "killed". */
  readonly when: string;
  /** Inside of a commit, where stores do not go the same way: only those that come to this step have it. @default all have it */
  readonly step?: CommitStep | undefined;
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

const point = (name: string, when: string): KillPoint => ({ name, when });

const inCommit = (work: Work, step: CommitStep, when: string): KillPoint => ({
  name: `${work}.${step}`,
  when,
  step,
});

/** @param inside in the middle of what the commit writes */
const committed = (work: Work, inside: KillPoint): readonly KillPoint[] => [
  point(`${work}.begin`, `before ${TITLES[work]} commits`),
  inside,
  inCommit(work, 'end', `when ${TITLES[work]} has written all and not committed`),
  inCommit(work, 'sent', `while ${TITLES[work]} commits`),
  point(`${work}.committed`, `after ${TITLES[work]} committed`),
];

const published = (stage: Stage): readonly KillPoint[] => [
  point(`${stage}.publish`, `before the ${stage} event is published`),
  point(`${stage}.remove`, `after the ${stage} event was confirmed`),
  point(`${stage}.removed`, `after the ${stage} event left the outbox`),
];

const handled = (work: Work): readonly KillPoint[] => [
  point(`${work}.delivered`, `before ${TITLES[work]} is given its message`),
  ...committed(work, inCommit(work, 'inbox', `before ${TITLES[work]} writes to the inbox`)),
  point(`${work}.acked`, `after ${TITLES[work]} acknowledged`),
];

/** From the request to the effect of the first handler. */
export const firstHalf: readonly KillPoint[] = [
  ...committed('request', inCommit('request', 'outbox', 'between append and outbox')),
  ...published('first'),
  ...handled('count'),
];

/** Between every two steps of append, outbox, publish, delete, deliver, inbox, commit, ack, for two events in a row. */
export const killPoints: readonly KillPoint[] = [...firstHalf, ...published('second'), ...handled('tally')];
