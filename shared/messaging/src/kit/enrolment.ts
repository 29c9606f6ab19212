import type { ConsumeOptions, TopologyResource } from '../driver.ts';

/** What a group or a queue was declared as, for brokers that have to be told where to keep it. */
export interface Enrolment {
  readonly source: ConsumeOptions['source'];
  readonly ordering: ConsumeOptions['ordering'];
  /** All that any member asked for. */
  readonly types: readonly string[];
  /** Whether it began at another place than "new". */
  readonly isPumped: boolean;
  /** Counts how often it began, from 1. */
  readonly generation: number;
  readonly isGone?: boolean;
}

/** After one more declaration. What begins again owes nothing to what was before. */
export function enrolled(
  last: Enrolment | undefined,
  declared: Omit<Enrolment, 'generation' | 'isGone'>,
): Enrolment {
  const before = last?.isGone === true ? undefined : last;
  const types = [...new Set([...(before?.types ?? []), ...declared.types])];
  return { ...declared, types, generation: before?.generation ?? (last?.generation ?? 0) + 1 };
}

/** For people, and for tools. */
export function describeEnrolment(
  name: string,
  { source, ordering, types }: Enrolment,
  { lag, inUse }: { readonly lag: number; readonly inUse: boolean },
): TopologyResource {
  const { kind, ...told } = source;
  const details = kind === 'group' ? { ...told, types: types.join(' '), ordering } : told;
  return { kind, name, details, consumption: { source, ordering, types, lag, inUse } };
}
