import { RetentionPolicy } from 'nats';
import { silentLogger } from '@waggle/kernel';
import { expect, test } from 'vitest';
import { NatsLink } from '../src/nats-connection.ts';
import { ensureStream } from '../src/nats-streams.ts';
import { useServer } from './harness.ts';

const bench = useServer();
const limits = { retention: RetentionPolicy.Limits, max_age: 0, max_bytes: -1 };

/** A link of which the first question about a stream is answered before somebody else creates it. */
async function linkThatLosesTheRace(
  subject: string,
  winner: { name: string; subject: string; description: string },
) {
  const link = new NatsLink(
    {
      namespace: 'race',
      lanes: 4,
      retention: { maxAgeMs: Infinity, maxBytes: Infinity },
      maxMessageBytes: 1,
      requestTimeoutMs: 5000,
      leaseMs: 1000,
      logger: silentLogger,
    },
    { url: bench.url },
  );
  const raw = await bench.raw();
  const { streams } = await raw.jetstreamManager();
  await link.connect();
  let asked = 0;
  const api: NatsLink['api'] = async (what, question) => {
    // The second question is the creation.
    if (++asked === 2) {
      await streams.add({ name: winner.name, subjects: [winner.subject], description: winner.description });
    }
    return link.api(what, question);
  };
  return {
    link: { api, settings: link.settings, replicas: 1 },
    place: { stream: 'race_evt', root: subject },
    [Symbol.asyncDispose]: () => link.disconnect(),
  };
}

test('a stream that another process creates at the same moment is compared, and not a failure', async () => {
  const winner = { name: 'race_evt', subject: 'race.evt.>', description: 'waggle lanes=4' };
  await using race = await linkThatLosesTheRace('race.evt', winner);
  await ensureStream(race.link, race.place, limits);
  const { streams } = await (await bench.raw()).jetstreamManager();
  await streams.delete('race_evt');
});

test('subjects that belong to somebody else for good are a conflict', async () => {
  const winner = { name: 'foreign', subject: 'race.>', description: '' };
  await using race = await linkThatLosesTheRace('race.evt', winner);
  await expect(ensureStream(race.link, race.place, limits)).rejects.toMatchObject({
    code: 'conflict',
  });
});
