import type { DeadLetter } from '@waggle/kernel';
import type { BrokerDriver, IncomingMessage, Lane } from '../driver.ts';

/** An entry as it is stored: what `DeadLetter` says, and what it takes to redrive and to resolve it. The body is the message's own. */
export interface Entry extends Omit<DeadLetter, 'body'> {
  /** This giving up alone: a message that is redriven can be given up on again, under the same id. */
  readonly occurrence: string;
  /** For the way back. */
  readonly lane: Lane;
}

/** What became of an entry; each under a header of its own. */
export interface Notes {
  'dead-letter-resolved': {
    readonly id: string;
    /** What was known of when it was resolved. */
    readonly occurrences: readonly string[];
    readonly as: 'redriven' | 'discarded';
    /** It was held: no copy was made of it. */
    readonly inPlace?: boolean;
  };
  /** What was held and redriven begins to be handled, after so many handings over. */
  'dead-letter-resumed': { readonly id: string; readonly attemptsBefore: number };
  /** What was held is not at the head of its lane any more: the retention took it, or its group began anew. */
  'dead-letter-displaced': { readonly id: string };
}

export const ENTRY_HEADER = 'dead-letter';
const NOTHING = new Uint8Array();

/** Givings up of one consumer on one message, with the last one's entry. */
export interface Known {
  readonly entry: Entry;
  /** Not kept where the entry is not asked for. */
  readonly body: Uint8Array;
  readonly isWanted: boolean;
  /** Those that are not resolved. Of what is held there may be none: what became of it has yet to be seen to. */
  readonly occurrences: readonly string[];
  /** Whether it stands at the head of its lane. */
  readonly isHeld: boolean;
  /** Of what is held: how its last occurrence was resolved. */
  readonly resolved?: 'redriven' | 'discarded';
  /** Of what is held and redriven: as it was when its handling began anew. */
  readonly attemptsBefore?: number;
}

/** What the log of dead letters says, and how far it was read. */
export interface Folded {
  readonly known: readonly Known[];
  /** Of the last entry; `undefined` if there is none. */
  readonly position: string | undefined;
}

/** Reads the whole log. */
export async function foldDeadLetters(
  driver: BrokerDriver,
  isWanted: (entry: Entry) => boolean,
): Promise<Folded> {
  const fold = new Fold();
  let position: string | undefined;
  for await (const logged of driver.read({ kind: 'dead-letters' }, { from: 'beginning', follow: false })) {
    const { message } = logged;
    position = logged.position;
    const stored = message.headers[ENTRY_HEADER];
    if (stored !== undefined) {
      const entry = parse<Entry>(stored);
      const wanted = entry !== undefined && isWanted(entry); // the last of an id decides
      if (entry !== undefined) fold.add(entry, wanted ? message.body : NOTHING, wanted);
    }
    const resolved = noteOf(message, 'dead-letter-resolved');
    if (resolved !== undefined) fold.resolve(resolved);
    const resumed = noteOf(message, 'dead-letter-resumed');
    if (resumed !== undefined) fold.resume(resumed);
    const displaced = noteOf(message, 'dead-letter-displaced');
    if (displaced !== undefined) fold.displace(displaced.id);
  }
  return { known: fold.known, position };
}

export function noteOf<Name extends keyof Notes>(
  { headers }: IncomingMessage,
  name: Name,
): Notes[Name] | undefined {
  const note = headers[name];
  return note === undefined ? undefined : parse<Notes[Name]>(note);
}

/** What a foreign client wrote there is nothing: one broken record must not hide all others. */
function parse<Said extends { readonly id: string }>(text: string): Said | undefined {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === 'object' && said !== null && 'id' in said && typeof said.id === 'string'
      ? (said as Said)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Takes what the log says in its order. */
class Fold {
  readonly #found = new Map<string, Known>();
  /** What is held, by its lane. */
  readonly #heads = new Map<string, string>();

  get known(): readonly Known[] {
    return [...this.#found.values()];
  }

  add(entry: Entry, body: Uint8Array, isWanted: boolean): void {
    const { id, occurrence, held: isHeld = false } = entry;
    const lane = laneKey(entry);
    const head = this.#heads.get(lane);
    if (isHeld && head !== undefined && head !== id) this.displace(head); // a lane has one head
    if (isHeld) this.#heads.set(lane, id);
    const before = this.#found.get(id)?.occurrences ?? [];
    if (before.length === 0) this.#found.delete(id); // it goes to the end
    this.#found.set(id, { entry, body, isWanted, occurrences: [...before, occurrence], isHeld });
  }

  resolve({ id, occurrences, as, inPlace = false }: Notes['dead-letter-resolved']): void {
    const known = this.#found.get(id);
    if (known === undefined || known.occurrences.length === 0) return;
    if (as === 'redriven' && inPlace && !known.isHeld) return; // there was no place, and no copy
    const done = new Set(occurrences);
    const left = known.occurrences.filter((occurrence) => !done.has(occurrence));
    if (left.length > 0) this.#found.set(id, { ...known, occurrences: left });
    else if (known.isHeld) this.#found.set(id, { ...known, occurrences: [], resolved: as });
    else this.#found.delete(id);
  }

  resume({ id, attemptsBefore }: Notes['dead-letter-resumed']): void {
    const known = this.#found.get(id);
    if (known?.resolved !== 'redriven' || known.attemptsBefore !== undefined) return;
    this.#found.set(id, { ...known, attemptsBefore });
  }

  /** A redrive that nobody has seen to is undone. */
  displace(id: string): void {
    const known = this.#found.get(id);
    if (known?.isHeld !== true) return;
    const { entry, body, isWanted, resolved } = known;
    this.#heads.delete(laneKey(entry));
    const isUndone = resolved === 'redriven' && known.attemptsBefore === undefined;
    const occurrences = isUndone ? [entry.occurrence] : known.occurrences;
    if (occurrences.length === 0) this.#found.delete(id);
    else this.#found.set(id, { entry, body, isWanted, occurrences, isHeld: false });
  }
}

function laneKey({ consumer, lane }: Entry): string {
  return `${consumer} ${lane}`;
}
