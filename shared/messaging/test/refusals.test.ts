import { messageOf, MessagingError, type Logger } from '@waggle/kernel';
import { expect, it } from 'vitest';
import type { ConsumeOptions } from '../src/index.ts';
import { loft, settled } from './pigeon.ts';

const denied = (): MessagingError => new MessagingError('denied', '[pigeon] not you');
const consuming: ConsumeOptions = {
  source: { kind: 'queue', context: 'mail' },
  ordering: 'by-key',
  concurrency: 1,
};

function keeping() {
  const errors: (readonly [string, unknown])[] = [];
  const ignore = (): void => undefined;
  const logger: Logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (message, fields) => void errors.push([message, fields?.['reason']]),
  };
  return { errors, logger };
}

it('a server that refuses is asked ever less often, twice a minute in the end, and it is an error in the log', async () => {
  const { errors, logger } = keeping();
  const attempts: number[] = [];
  let lose = (_reason: unknown): void => undefined;
  let allowed = true;
  const { driver, clock, connection } = loft(
    {},
    {
      random: () => 1,
      whenReachable: (action) => (queueMicrotask(action), () => undefined),
      async connect(lost) {
        attempts.push(clock.now());
        if (!allowed) throw denied();
        lose = lost;
        return connection();
      },
    },
    { logger },
  );
  await driver.open();
  allowed = false;
  lose(new Error('gone'));
  await settled();
  const asking = driver.lag(consuming.source).catch(messageOf);
  const fromMs = clock.now();
  await clock.advance(150_000);
  expect(attempts.slice(1).map((atMs) => (atMs - fromMs) / 1000)).toEqual([0, 1, 3, 7, 15, 31, 61, 91, 121]);
  expect(errors[0]).toEqual(['the broker refuses us; trying again', '[waggle] [pigeon] not you']);
  expect(await asking).toContain('not you');
  allowed = true;
  await clock.advance(30_000);
  expect(driver.status).toBe('open');
});

it('an opening that is refused is not tried again, however long may be waited', async () => {
  let attempts = 0;
  const { driver } = loft({}, { connect: () => (attempts++, Promise.reject(denied())) });
  await expect(driver.open({ waitMs: 60_000 })).rejects.toMatchObject({ code: 'denied' });
  expect(attempts).toBe(1);
});

it('a consumer that is refused says so, is no longer attached, and is asked for ever less often', async () => {
  const { errors, logger } = keeping();
  let end = (_reason: unknown): void => undefined;
  let allowed = true;
  let asked = 0;
  const { driver, clock } = loft(
    {
      async consume(_options, _deliver, { ended }) {
        asked++;
        if (!allowed) throw denied();
        end = ended;
        return { pause() {}, resume() {}, close: async () => undefined };
      },
    },
    {},
    { logger },
  );
  await driver.open();
  const consumer = await driver.consume(consuming, () => undefined);
  expect(consumer.isAttached).toBe(true);
  allowed = false;
  end('a permission was taken away');
  await settled();
  expect(consumer.isAttached).toBe(false);
  await clock.advance(600_000);
  expect(asked).toBeGreaterThan(15);
  expect(asked).toBeLessThan(50);
  expect(errors[0]).toEqual(['a consumer gets nothing: the broker refuses it', '[waggle] [pigeon] not you']);
  allowed = true;
  await clock.advance(30_000);
  expect(consumer.isAttached).toBe(true);
  await driver.close();
  expect(consumer.isAttached).toBe(false);
});

it('a consumer that may not be had is denied at once', async () => {
  const { driver } = loft({ consume: () => Promise.reject(denied()) });
  await driver.open();
  await expect(driver.consume(consuming, () => undefined)).rejects.toMatchObject({ code: 'denied' });
});
