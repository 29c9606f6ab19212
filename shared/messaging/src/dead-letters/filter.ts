import type { DeadLetter, DeadLetterCause, DeadLetterFilter } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { parseTime } from '../expiry.ts';

type Matches = (entry: Omit<DeadLetter, 'body'>) => boolean;

const CAUSES: Readonly<Record<DeadLetterCause, true>> = {
  rejected: true,
  'attempts-exhausted': true,
  undecodable: true,
  schema: true,
  unhandled: true,
};

/** For each name of a filter: from what was asked for to whether an entry is that. */
const CRITERIA: { readonly [Name in keyof Required<DeadLetterFilter>]: (wanted: string) => Matches } = {
  id: (wanted) => (entry) => entry.id === wanted,
  consumer: (wanted) => (entry) => entry.consumer === wanted,
  messageType: (wanted) => (entry) => entry.messageType === wanted,
  cause(wanted) {
    if (!Object.hasOwn(CAUSES, wanted)) throw misfit('cause', wanted, Object.keys(CAUSES).join(', '));
    return (entry) => entry.cause === wanted;
  },
  reason: (wanted) => (entry) => entry.reason.toLowerCase().includes(wanted.toLowerCase()),
  since(wanted) {
    const limit = limitOf('since', wanted);
    return (entry) => Date.parse(entry.time) >= limit;
  },
  before(wanted) {
    const limit = limitOf('before', wanted);
    return (entry) => Date.parse(entry.time) < limit;
  },
};

/** @throws MessagingError `invalid`, so that a misspelt filter does not mean everything, or nothing */
export function deadLetterMatcher(filter: DeadLetterFilter): Matches {
  const all = Object.keys(filter).map(criterion);
  return (entry) => all.every((matches) => matches(entry));

  function criterion(name: string): Matches {
    if (!isCriterion(name)) {
      const known = Object.keys(CRITERIA).join(', ');
      throw new MessagingError('invalid', `dead letters cannot be filtered by "${name}": use ${known}`);
    }
    const wanted = filter[name];
    if (wanted === undefined) return () => true;
    if (wanted === '') throw misfit(name, wanted, 'something, or leave it out');
    return CRITERIA[name](wanted);
  }
}

const isCriterion = (name: string): name is keyof DeadLetterFilter => Object.hasOwn(CRITERIA, name);

function limitOf(name: string, wanted: string): number {
  const limit = parseTime(wanted);
  if (Number.isNaN(limit)) throw misfit(name, wanted, 'a time as in RFC 3339, such as 2026-11-23T09:30:00Z');
  return limit;
}

function misfit(name: string, got: string, wanted: string): MessagingError {
  return new MessagingError('invalid', `dead letters by ${name} "${got}": give ${wanted}`);
}
