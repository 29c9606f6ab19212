import type { CloudEvent, Observation } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { encode } from '@waggle/messaging';
import { describe, expect, test } from 'vitest';
import { anEvent, openMessaging, settle, TYPE } from './harness.ts';

const said = (observations: readonly Observation[]) => observations.map(({ what }) => what);

describe('publishing', () => {
  test('names each message of a batch that failed; the others were confirmed', async () => {
    const { messaging, observations } = await openMessaging();
    const [small, large, wrong] = [
      anEvent({ id: 'small' }),
      anEvent({ id: 'large', data: 'x'.repeat(20_000) }),
      anEvent({ id: 'wrong', type: 'No.Type' }),
    ];
    const error: unknown = await messaging.events
      .publish(small, large, wrong)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MessagingError);
    expect(error).toMatchObject({
      code: 'too-large',
      message: expect.stringMatching(
        /^\[waggle\] testing\.thing-happened\.v1 large has .*\(and 1 more of 3\)$/,
      ),
      failed: [
        { id: 'large', error: { code: 'too-large' } },
        { id: 'wrong', error: { code: 'invalid' } },
      ],
    });
    expect(said(observations)).toEqual(['published', 'publish-failed', 'publish-failed']);
  });

  test('is not disturbed by an observer that throws', async () => {
    const observer = (): never => {
      throw new Error('no disk');
    };
    const { messaging, clock } = await openMessaging({ observer });
    const handled: string[] = [];
    await messaging.events.subscribe({ group: 'testing.look-on', types: [TYPE] }, async ({ id }) => {
      handled.push(id);
    });
    await messaging.events.publish(anEvent({ id: 'seen' }));
    await settle(clock);
    expect(handled).toEqual(['seen']);
  });

  test('takes a message of exactly the limit, counted in bytes, and none above it', async () => {
    const { messaging } = await openMessaging();
    const ofBytes = (bytes: number): CloudEvent => {
      const event = anEvent({ data: 'ü' });
      return { ...event, data: 'ü'.repeat(2) + 'x'.repeat(bytes - encode(event).byteLength - 2) };
    };
    expect(encode(ofBytes(10_000))).toHaveLength(10_000);
    await messaging.events.publish(ofBytes(10_000));
    await expect(messaging.events.publish(ofBytes(10_001))).rejects.toMatchObject({ code: 'too-large' });
  });

  test('of nothing is done at once', async () => {
    const { messaging } = await openMessaging();
    await messaging.events.publish();
    await messaging.queue.send();
  });
});

describe('a drain of everything', () => {
  test('adds up what all consumers finished and abandoned, and hands back what had not started', async () => {
    const { messaging, clock, driver } = await openMessaging();
    const finish = Promise.withResolvers<void>();
    const started: string[] = [];
    const quick = async ({ id }: CloudEvent): Promise<void> => {
      started.push(id);
      await finish.promise;
    };
    await messaging.events.subscribe({ group: 'testing.quick', types: [TYPE], concurrency: 1 }, quick);
    await messaging.events.subscribe(
      { group: 'testing.stuck', types: [TYPE] },
      () => new Promise(() => undefined),
    );
    await messaging.events.publish(
      anEvent({ id: 'x1', partitionkey: 'a' }),
      anEvent({ id: 'x2', partitionkey: 'b' }),
    );
    await settle(clock);
    const draining = messaging.drain(1_000);
    finish.resolve();
    await settle(clock);
    await clock.advance(1_000);
    const { finished, abandoned } = await draining;
    expect({ finished, abandoned: abandoned.toSorted() }).toEqual({ finished: 1, abandoned: ['x1', 'x2'] });
    expect(started).toHaveLength(1);
    expect(await driver.lag({ kind: 'group', group: 'testing.quick' })).toBe(1);
  });

  test('of no consumers is nothing, and closing twice is closing once', async () => {
    const { messaging } = await openMessaging();
    expect(await messaging.drain(1_000)).toEqual({ finished: 0, abandoned: [] });
    await Promise.all([messaging.close(), messaging.close()]);
    expect(messaging.status).toBe('closed');
    await expect(messaging.events.publish(anEvent())).rejects.toMatchObject({ code: 'closed' });
  });
});
