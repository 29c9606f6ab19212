import { silentLogger } from '@waggle/kernel';
import type { RelayOptions, Store } from '@waggle/messaging';
import { createMessaging, createRelay, encode, systemClock } from '@waggle/messaging';
import { eventOf, perSecond, TYPE } from './load.ts';
import { benchSettings, LANES } from './rig.ts';
import { eventsOf, fill, FILLED, nextStream, someEvents } from './store-load.ts';
import type { RelayTarget } from './store-place.ts';

/** Messages that a relay has on their way at one time, on both sides. */
export const RELAYED = 500;

/** A busy machine takes its time for so many. */
const PATIENCE_MS = 30_000;

/** An outbox without a store around it. */
export interface BareOutbox {
  fillOutbox(bodies: readonly string[]): Promise<void>;
  /** Reads by position, publishes with all confirms awaited together, removes, until there is nothing more. */
  relay(batchSize: number, publish: (body: string) => Promise<unknown>): Promise<void>;
}

/** The outbox relayed to a broker: by ours, and by the same work without it on the broker's own client. */
export function relaying(store: Store, bare: BareOutbox, to: RelayTarget) {
  const { url, use } = to;
  const encoded = (index: number): string => Buffer.from(encode(eventOf(index, `key-${index}`))).toString();

  const sweep = (namespace: string) => use.sweep(url, namespace, { sources: [], lanes: LANES, delays: [] });

  /** A relay on a stream of its own, until it has moved so many. */
  async function move(from: Store, count: number): Promise<number> {
    const namespace = nextStream();
    const driver = (await use.drivers(url))(benchSettings(namespace));
    const messaging = createMessaging({ driver });
    await messaging.open();
    await driver.declare({});
    let left = count;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const publisher: RelayOptions['publisher'] = {
      encode: messaging.publisher.encode,
      async publish(batch) {
        const outcomes = await messaging.publisher.publish(batch);
        left -= outcomes.filter((outcome) => outcome === undefined).length;
        if (left <= 0) resolve();
        return outcomes;
      },
    };
    const relay = createRelay({
      store: from,
      publisher,
      clock: systemClock,
      logger: silentLogger,
      batchSize: RELAYED,
    });
    const speed = await perSecond(count, () => {
      relay.start();
      return done;
    });
    await relay.stop(0);
    await messaging.close();
    await sweep(namespace);
    return speed;
  }

  let filled = 0;
  return {
    async ours(count: number): Promise<number> {
      await fill(store, count, encoded);
      return move(store, count);
    },
    async usual(count: number): Promise<number> {
      const namespace = nextStream();
      const driver = (await use.drivers(url))(benchSettings(namespace));
      await driver.open();
      await driver.declare({});
      await driver.close();
      const raw = await to.rawPublisher(url, namespace, PATIENCE_MS);
      for (let from = 0; from < count; from += FILLED) {
        const size = Math.min(FILLED, count - from);
        await bare.fillOutbox(Array.from({ length: size }, (_, n) => encoded(from + n)));
      }
      let index = 0;
      const speed = await perSecond(count, () =>
        bare.relay(RELAYED, (body) => raw.publish(index++ % LANES, TYPE, body)),
      );
      await raw.close();
      await sweep(namespace);
      return speed;
    },
    /** From a store with so many rows in its outbox, and as many events. */
    async full(full: Store, count: number, rows: number): Promise<number> {
      const missing = rows - filled;
      if (missing > 0) {
        await fill(full, missing, encoded);
        for (let from = 0; from < missing; from += FILLED)
          await eventsOf(full).append(nextStream(), someEvents(Math.min(FILLED, missing - from)), 0);
        filled = rows;
      }
      filled -= count;
      return move(full, count);
    },
  };
}
