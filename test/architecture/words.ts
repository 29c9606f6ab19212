/** Names of brokers and their protocols, and what only one broker has. Adapters add their own folder's name. */
const BROKERS = ['nats', 'rabbit', 'rabbitmq', 'amqp', 'amqplib', 'jetstream', 'jet stream', 'kafka'];

/** What only somebody who talks to a broker says. */
const BROKER_SPEECH = [
  ...['subject', 'exchange', 'ack', 'nack', 'queue', 'topic', 'channel', 'durable', 'prefetch', 'redelivery'],
  ...['routing key', 'delivery tag'],
];

/** The words of a text: `ackWait` has two, in comments as in code. */
function wordsOf(text: string): string {
  return ` ${text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')} `;
}

function said(text: string, vocabulary: readonly string[]): readonly string[] {
  const words = wordsOf(text);
  return vocabulary.filter((word) => words.includes(` ${word} `) || words.includes(` ${word}s `));
}

export function brokersNamedIn(text: string, adapters: readonly string[]): readonly string[] {
  const others = adapters.filter((adapter) => adapter !== 'memory' && !BROKERS.includes(adapter));
  return said(text, [...BROKERS, ...others]);
}

export function brokerSpeechIn(text: string): readonly string[] {
  return said(text, [...BROKERS, ...BROKER_SPEECH]);
}
