import { enrolled, type Enrolment } from './enrolment.ts';

/** A log that an adapter keeps for itself. */
export interface RegistryLog {
  /** The offset of the last entry; there always is one. */
  head(): Promise<number>;
  /** What stands there from an offset on, up to the head at least. Without a text, it is none of ours. */
  read(from: number): AsyncIterable<{ readonly offset: number; readonly text: string | undefined }>;
  append(text: string): Promise<void>;
  /** Reads it again while that fails for a reason that may pass, such as that somebody is just creating it. */
  persist<T>(reading: () => Promise<T>): Promise<T>;
}

export interface RegistryEntry {
  /** What tells it from others; the later of two with one name counts. */
  readonly name: string;
  readonly enrolment?: Enrolment;
  readonly values?: Readonly<Record<string, number>>;
  /** The offset of what this is a copy of: what was written behind that, a removal above all, counts more. */
  readonly since?: number;
}
export type RegistryEntries = ReadonlyMap<string, RegistryEntry>;

/** What a group or a queue was declared as, unless it was removed since. */
export function existing(entries: RegistryEntries, name: string): Enrolment | undefined {
  const enrolment = entries.get(name)?.enrolment;
  return enrolment?.isGone === true ? undefined : enrolment;
}

/** So many entries are read at most. What is older than a quarter of that is written anew, so that it stays within. */
const WINDOW = 10_000;

export type Registry = ReturnType<typeof createRegistry>;

/**
 * What was declared in a namespace, by whichever process, for brokers that cannot list it. A hint, not the truth: whether it
 * exists the broker has to be asked.
 * @param keeps whether its reader writes old entries anew. @default true
 */
export function createRegistry(log: RegistryLog, keeps = true) {
  const read = (): Promise<RegistryEntries> => log.persist(readOnce);

  async function readOnce(): Promise<RegistryEntries> {
    const entries = new Map<string, RegistryEntry & { readonly offset: number; readonly since: number }>();
    const head = await log.head();
    let last = -1;
    for await (const { offset, text } of log.read(Math.max(0, head - WINDOW))) {
      last = offset;
      const entry = parse(text);
      const since = entry?.since ?? offset;
      const isNewest = entry !== undefined && since >= (entries.get(entry.name)?.since ?? 0);
      if (isNewest) entries.set(entry.name, { ...entry, offset, since });
      if (offset >= head) break;
    }
    if (last < head) throw new Error('the reading of the registry ended before its head');
    if (!keeps) return entries;
    for (const { offset, ...entry } of entries.values()) if (offset < head - WINDOW / 4) await write(entry);
    return entries;
  }

  async function write(entry: RegistryEntry): Promise<void> {
    await log.append(JSON.stringify(entry));
  }

  return {
    read,
    write,
    /** Writes down that it is gone, if it was there. */
    async strike(name: string): Promise<void> {
      const enrolment = existing(await read(), name);
      if (enrolment !== undefined) await write({ name, enrolment: { ...enrolment, isGone: true } });
    },
    /** Writes down what is declared, unless it stands there. */
    async enrol(entries: RegistryEntries, name: string, declared: Omit<Enrolment, 'generation'>) {
      const last = entries.get(name)?.enrolment;
      const enrolment = enrolled(last, declared);
      if (JSON.stringify(enrolment) !== JSON.stringify(last)) await write({ name, enrolment });
      return enrolment;
    },
  };
}

/** Somebody else may have written something else. */
function parse(text: string | undefined): RegistryEntry | undefined {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
