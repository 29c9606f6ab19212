import type { Clock, Logger } from '@waggle/kernel';
import { messageOf, MessagingError } from '@waggle/kernel';
import type { Store } from './store.ts';

/** The scope of what processes tell each other through a store; no service has such a name. */
const SCOPE = '~waggle';
const COLLECTION = 'shares';

/** How often a share is renewed within its lease, so that one failure does not lose it. */
const RENEWALS = 3;
/** Of a change, before it counts as a failure. */
const TRIES = 10;
/** After a failure. */
const AGAIN_MS = 1_000;

export interface SharesOptions {
  readonly store: Store;
  /** What is shared: those who name the same pool share it. */
  readonly pool: string;
  /** What there is to do, the same for all members. */
  readonly jobs: readonly string[];
  /** Unique, also over restarts. */
  readonly member: string;
  /** Without a renewal for so long, what a member holds goes to others. */
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when the share has changed. */
  readonly onChange?: () => void;
}

/**
 * The part of the jobs that this member holds. A job has one holder at a time, and an epoch that grows with each new one. No
 * clocks are compared: a member is gone when the others have seen no renewal for a lease by their own clocks, and it stops by
 * itself a lease after it began its last renewal, which is earlier.
 */
export interface Shares {
  start(): Promise<void>;
  /** The jobs that may be worked on now, each with its epoch. */
  held(): ReadonlyMap<string, number>;
  /** Gives everything back at once. Idempotent. */
  stop(): Promise<void>;
}

interface Assignment {
  /** Renewals of each member, so that the others see that it lives. */
  readonly members: Readonly<Record<string, number>>;
  readonly jobs: Readonly<Record<string, { readonly holder: string; readonly epoch: number }>>;
}

export function createShares(options: SharesOptions): Shares {
  const { store, pool, jobs, member, leaseMs, clock, logger, onChange } = options;
  const seen = new Map<string, { beats: number; sinceMs: number }>();
  let held: ReadonlyMap<string, number> = new Map();
  let renewedMs = -Infinity;
  let stopped = false;
  let cancel = (): void => undefined;
  let renewing: Promise<void> = Promise.resolve();

  /** A member whose renewals stand still for a lease is gone. */
  function living({ members }: Assignment): string[] {
    const now = clock.now();
    for (const [name, beats] of Object.entries(members)) {
      if (seen.get(name)?.beats !== beats) seen.set(name, { beats, sinceMs: now });
    }
    for (const name of seen.keys()) if (members[name] === undefined) seen.delete(name);
    return Object.keys(members).filter((name) => now - (seen.get(name)?.sinceMs ?? now) < leaseMs);
  }

  /** What the pool looks like after this member has renewed, taken its part, and left what is more than that. */
  function renewed(before: Assignment): Assignment {
    const others = living(before).filter((name) => name !== member);
    const most = Math.ceil(jobs.length / (others.length + 1));
    let mine = 0;
    const next: Record<string, { holder: string; epoch: number }> = {};
    // What is held already comes first: a job does not change hands for the sake of its place in the list.
    const holderOf = (job: string): string => before.jobs[job]?.holder ?? '';
    for (const job of jobs.toSorted(
      (a, b) => Number(holderOf(b) === member) - Number(holderOf(a) === member),
    )) {
      const { holder = '', epoch = 0 } = before.jobs[job] ?? {};
      if (others.includes(holder)) next[job] = { holder, epoch };
      else if (mine < most) {
        mine++;
        next[job] = { holder: member, epoch: holder === member ? epoch : epoch + 1 };
      } else next[job] = { holder: '', epoch };
    }
    const beats = (before.members[member] ?? 0) + 1;
    const members = Object.fromEntries(others.map((name) => [name, before.members[name] ?? 0]));
    return { members: { ...members, [member]: beats }, jobs: next };
  }

  function left(before: Assignment): Assignment {
    const { [member]: _, ...members } = before.members;
    const freed = Object.entries(before.jobs).map(([job, { holder, epoch }]) => [
      job,
      { holder: holder === member ? '' : holder, epoch },
    ]);
    return { members, jobs: Object.fromEntries(freed) as Assignment['jobs'] };
  }

  /** Reads, changes and writes; again where somebody else was faster. @throws MessagingError `conflict` */
  async function change(how: (before: Assignment) => Assignment): Promise<Assignment> {
    for (let tries = 1; tries <= TRIES; tries++) {
      const document = await store.get(SCOPE, COLLECTION, pool);
      const before =
        document === undefined ? { members: {}, jobs: {} } : (JSON.parse(document.value) as Assignment);
      const after = how(before);
      const { outcome } = await store.commit(SCOPE, {
        timeMs: clock.now(),
        documents: [
          {
            collection: COLLECTION,
            id: pool,
            value: JSON.stringify(after),
            expectedVersion: document?.version ?? 0,
          },
        ],
      });
      if (outcome === 'committed') return after;
    }
    throw new MessagingError('conflict', `${TRIES} tries each lost the race for the shares of ${pool}`);
  }

  async function renew(): Promise<void> {
    const beganMs = clock.now();
    let againMs = leaseMs / RENEWALS;
    try {
      const { jobs: assigned } = await change(renewed);
      const mine = Object.entries(assigned).filter(([, { holder }]) => holder === member);
      const before = held;
      held = new Map(mine.map(([job, { epoch }]) => [job, epoch]));
      renewedMs = beganMs;
      if (held.size !== before.size || mine.some(([job, { epoch }]) => before.get(job) !== epoch))
        onChange?.();
    } catch (error) {
      againMs = Math.min(againMs, AGAIN_MS);
      logger.warn('a share of the work was not renewed', { pool, reason: messageOf(error) });
    }
    if (!stopped) cancel = clock.after(againMs, () => void (renewing = renew()));
  }

  return {
    start: () => (renewing = renew()),
    held: () => (stopped || clock.now() - renewedMs >= leaseMs ? new Map() : held),
    async stop() {
      if (stopped) return;
      stopped = true;
      cancel();
      await renewing;
      cancel();
      await change(left).catch((error: unknown) =>
        logger.warn('a share of the work was not given back: it is taken over after the lease', {
          pool,
          reason: messageOf(error),
        }),
      );
    },
  };
}
