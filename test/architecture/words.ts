/** What only somebody who talks to a broker says. */
const BROKER_SPEECH = [
  ...['subject', 'exchange', 'ack', 'nack', 'queue', 'topic', 'channel', 'durable', 'prefetch', 'redelivery'],
  ...['routing key', 'delivery tag'],
];

/** The same files are looked at by many rules, and again with each planted violation. */
const wordsByText = new Map<string, string>();

/** The words of a text: `ackWait` has two, in comments as in code. `DeadLetter` is also one. */
function wordsOf(text: string): string {
  const known = wordsByText.get(text);
  if (known !== undefined) return known;
  const parted = text.replace(/([a-z0-9])([A-Z])/g, '$1 $2');
  const words = ` ${`${parted} ${text}`.toLowerCase().replace(/[^a-z0-9]+/g, ' ')} `;
  wordsByText.set(text, words);
  return words;
}

/** Which words of a vocabulary a text has, also in the plural. */
export function said(text: string, vocabulary: readonly string[]): readonly string[] {
  const words = wordsOf(text);
  return vocabulary.filter((word) => words.includes(` ${word} `) || words.includes(` ${word}s `));
}

export function brokerSpeechIn(text: string): readonly string[] {
  return said(text, BROKER_SPEECH);
}
