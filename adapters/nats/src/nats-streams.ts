import { MessagingError } from '@waggle/kernel';
import { DiscardPolicy, nanos, StorageType, type StreamConfig, type StreamInfo } from 'nats';
import type { NatsLink } from './nats-connection.ts';
import { apiCode, fail, isMissing, JS } from './nats-errors.ts';
import type { Place } from './nats-wire.ts';

const DUPLICATE_WINDOW_MS = 120_000;
const CREATION_TRIES = 20;
const CREATION_PAUSE_MS = 50;

/** Creates a stream, or compares it with what exists. @throws MessagingError `conflict`, which names both values */
export async function ensureStream(
  link: Pick<NatsLink, 'api' | 'settings' | 'replicas'>,
  { stream, root }: Place,
  limits: Pick<StreamConfig, 'retention' | 'max_age' | 'max_bytes'>,
): Promise<void> {
  const { lanes, requestTimeoutMs } = link.settings;
  const window = nanos(Math.max(DUPLICATE_WINDOW_MS, 2 * requestTimeoutMs));
  const config: Partial<StreamConfig> & { name: string } = {
    ...limits,
    name: stream,
    subjects: stream.endsWith('_dead') ? [root] : [`${root}.>`],
    // 2.9 ignores metadata: the description keeps the lane count.
    description: `waggle lanes=${lanes}`,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    // A publication is sent again after a reconnect: the server must still know it.
    duplicate_window: limits.max_age > 0 ? Math.min(window, limits.max_age) : window,
    num_replicas: link.replicas,
    allow_direct: true,
  };
  const what = `stream ${stream}`;
  const exists = async (): Promise<boolean> => {
    try {
      compare(config, await link.api(what, (api) => api.streams.info(stream)));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  };
  if (await exists()) return;
  try {
    await link.api(what, (api) => api.streams.add(config));
  } catch (error) {
    if (!isRace(error)) throw error;
    for (let tries = 0; tries < CREATION_TRIES; tries++) {
      if (await exists()) return;
      await new Promise((resolve) => setTimeout(resolve, CREATION_PAUSE_MS));
    }
    throw error;
  }
}

/** What the server says while another process creates the same stream; also what it says of a real overlap. */
function isRace(error: unknown): boolean {
  const code = error instanceof MessagingError ? apiCode(error) : undefined;
  return code === JS.streamNameInUse || code === JS.subjectsOverlap;
}

/** Limits are in nanoseconds and bytes. */
function compare(wanted: Partial<StreamConfig>, { config }: StreamInfo): void {
  const facts: readonly (readonly [string, string | number | undefined, string | number | undefined])[] = [
    ['description', config.description, wanted.description],
    ['subjects', config.subjects.join(), wanted.subjects?.join()],
    ['retention', config.retention, wanted.retention],
    ['max_age (ns)', config.max_age, wanted.max_age],
    ['max_bytes', config.max_bytes, wanted.max_bytes],
    ['storage', config.storage, wanted.storage],
  ];
  for (const [what, theirs, ours] of facts) {
    if (theirs === ours) continue;
    throw fail(
      'conflict',
      `stream ${config.name} exists with ${what} "${theirs}", and this process asks for "${ours}": use the same settings everywhere, or another namespace`,
    );
  }
}
