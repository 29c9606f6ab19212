import { silentLogger } from '@waggle/kernel';
import type { JetStreamManager, StreamAPI } from 'nats';
import { expect, test } from 'vitest';
import { ensureStream } from '../src/nats-streams.ts';
import { useServer } from './harness.ts';

const bench = useServer();

const settings = {
  namespace: 'race',
  lanes: 4,
  retention: { maxAgeMs: Infinity, maxBytes: Infinity },
  maxMessageBytes: 1,
  requestTimeoutMs: 5000,
  leaseMs: 1000,
  logger: silentLogger,
};

/** The first question about a stream is answered before somebody else creates it. */
async function linkThatLosesTheRace(winner: { name: string; subject: string; description: string }) {
  const client = await bench.raw();
  const api = await client.jetstreamManager();
  let creations = 0;
  const add: StreamAPI['add'] = async (config) => {
    const { name, subject, description } = winner;
    if (++creations === 1)
      await api.streams.add({ name, subjects: [subject], description, allow_direct: true });
    return api.streams.add(config);
  };
  const streams = new Proxy(api.streams, {
    get: (target, name) => (name === 'add' ? add : Reflect.get(target, name)),
  });
  const losing = new Proxy<JetStreamManager>(api, {
    get: (target, name) => (name === 'streams' ? streams : Reflect.get(target, name)),
  });
  const options = { url: bench.url };
  return {
    client,
    api: losing,
    settings,
    options,
    floors: new Set<Map<string, number>>(),
    created: new Map(),
    refusals: new Set<(subject: string) => void>(),
  };
}

test('a stream that another process creates at the same moment is compared, and not a failure', async () => {
  const winner = { name: 'race_evt', subject: 'race.evt.>', description: 'waggle lanes=4' };
  await ensureStream(await linkThatLosesTheRace(winner), { kind: 'stream' });
  const { streams } = await (await bench.raw()).jetstreamManager();
  await streams.delete('race_evt');
});

test('subjects that belong to somebody else for good are a conflict', async () => {
  const winner = { name: 'foreign', subject: 'race.>', description: '' };
  await expect(ensureStream(await linkThatLosesTheRace(winner), { kind: 'stream' })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(
      '"race.evt.>" exists with stream "foreign", and this process asks for "race_evt"',
    ),
  });
});
