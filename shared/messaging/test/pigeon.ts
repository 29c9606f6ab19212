import { MessagingError, silentLogger } from '@waggle/kernel';
import {
  createDriver,
  virtualClock,
  type BrokerConnection,
  type Connector,
  type DriverSettings,
  type OutgoingMessage,
} from '../src/index.ts';

const settings: DriverSettings = {
  namespace: 'test',
  lanes: 4,
  retention: { maxAgeMs: 60_000, maxBytes: 1_000_000 },
  maxMessageBytes: 1_000,
  requestTimeoutMs: 5_000,
  leaseMs: 30_000,
  logger: silentLogger,
};

/** A broker by pigeon: what it does is what a test makes of it. */
export function loft(
  behaviour: Partial<BrokerConnection> = {},
  connector: Partial<Connector> = {},
  changes: Partial<DriverSettings> = {},
) {
  const clock = virtualClock(0);
  const landings = new Set<() => void>();
  let lose = (_reason: unknown): void => undefined;
  let unblocked = (): void => undefined;
  let isBlocked = false;
  let up = true;
  const connection = (): BrokerConnection => ({
    get isBlocked() {
      return isBlocked;
    },
    declare: async () => undefined,
    publish: (_, confirm) => queueMicrotask(() => confirm(undefined)),
    consume: async () => ({ pause() {}, resume() {}, close: async () => undefined }),
    head: async () => undefined,
    async *read() {},
    lag: async () => 0,
    describe: async () => [],
    close: async () => undefined,
    ...behaviour,
  });
  const driver = createDriver(
    { ...settings, ...changes },
    {
      name: 'pigeon',
      clock,
      async connect(lost, whenUnblocked) {
        if (!up) throw new MessagingError('unavailable', '[pigeon] gone');
        lose = lost;
        unblocked = whenUnblocked;
        return connection();
      },
      whenReachable(action) {
        landings.add(action);
        return () => landings.delete(action);
      },
      translate: (error, what) =>
        error instanceof MessagingError ? error : new MessagingError('invalid', `[pigeon] ${what}`),
      ...connector,
    },
  );
  return {
    clock,
    driver,
    connection,
    flyAway(): void {
      up = false;
      lose(new Error('flown'));
    },
    /** It takes nothing, or again. */
    block(on: boolean): void {
      isBlocked = on;
      if (!on) unblocked();
    },
    land(): void {
      up = true;
      for (const action of landings) action();
    },
  };
}

export function letter(id: string, changes: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    to: { kind: 'stream' },
    lane: 'unordered',
    type: 'mail.letter-sent.v1',
    id,
    contentType: 'text/plain',
    headers: {},
    body: new Uint8Array(),
    ...changes,
  };
}

/** Lets everything happen that needs no time. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
};
