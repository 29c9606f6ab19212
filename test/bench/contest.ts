/** Something that can be measured. Whatever it needs is ready before the clock starts. */
export interface Contestant {
  readonly name: string;
  /** Resolves with messages a second. */
  run(): Promise<number>;
}

/** Two that are compared, or one that has to reach a figure. */
export interface Contest {
  readonly title: string;
  readonly ours: Contestant;
  readonly other?: Contestant;
  /** What is promised: of `other` if there is one, else messages a second. Without, it is shown and nothing more. */
  readonly atLeast?: number;
}

/** The ratios to the usual client that are promised. */
export interface Promised {
  readonly publish: number;
  readonly backlog: number;
  readonly endToEnd: number;
}

/** How many messages a run has, where each is as fast as it gets and where a single lane carries all. */
export interface Counts {
  readonly count: number;
  readonly slow: number;
}

/** Messages a second; medians. */
export interface Figures {
  readonly contest: Contest;
  readonly ours: number;
  readonly other?: number;
}

/** Runs both by turns, so that what else the machine does disturbs them alike. The first round is not counted. */
export async function hold(contest: Contest, rounds: number): Promise<Figures> {
  const ours: number[] = [];
  const others: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    ours.push(await contest.ours.run());
    if (contest.other !== undefined) others.push(await contest.other.run());
  }
  return {
    contest,
    ours: median(ours.slice(1)),
    ...(contest.other !== undefined && { other: median(others.slice(1)) }),
  };
}

/** Ours in units of the other, or of a message a second. */
export const scoreOf = ({ ours, other = 1 }: Figures): number => ours / other;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
