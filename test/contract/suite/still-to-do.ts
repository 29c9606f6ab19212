/**
 * What an adapter says of a part that is not written yet, also where others of a batch met the same, and what the suite says of a
 * hook that its harness does not have.
 */
const SENTENCES = [
  /\[[^\]\s]+\] \S+ is not written yet: .+?(?= \(and \d+ more of \d+\)|$)/m,
  /the harness of \S+ has no hook "\w+": .+/,
];

/** The sentence that says what is still to be written, if that is why a test failed; `undefined` if something does not work. */
export function stillToDo(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const said = SENTENCES.map((sentence) => sentence.exec(error.message)?.[0]);
  return said.find((sentence) => sentence !== undefined) ?? stillToDo(error.cause);
}
