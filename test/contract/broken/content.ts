import type { OutgoingMessage } from '@waggle/messaging';
import { override } from '../suite/pass-through.ts';
import type { Wrap } from '../harness/memory.ts';
import type { BrokenDriver } from './broken-driver.ts';
import { PASSWORD } from './password.ts';

const changing =
  (change: (message: OutgoingMessage) => OutgoingMessage): Wrap =>
  (driver) =>
    override(driver, { publish: (messages) => driver.publish(messages.map(change)) });

export const losesAHeader: BrokenDriver = {
  name: 'loses the last of several headers',
  plant: () =>
    changing((message) => {
      const headers = Object.entries(message.headers);
      return headers.length < 2 ? message : { ...message, headers: Object.fromEntries(headers.slice(0, -1)) };
    }),
  caughtBy: ['B2', 'C2', 'C7', 'F1'],
};

export const altersTheBody: BrokenDriver = {
  name: 'takes bodies for text',
  plant: () =>
    changing((message) => ({
      ...message,
      body: Buffer.from(Buffer.from(message.body).toString('latin1'), 'utf8'),
    })),
  caughtBy: ['B2', 'C1', 'C2', 'C7', 'F1', 'F6', 'F8'],
};

export const cutsOffLargeBodies: BrokenDriver = {
  name: 'cuts off bodies at a million bytes',
  plant: () => changing((message) => ({ ...message, body: message.body.subarray(0, 1_000_000) })),
  caughtBy: ['C3', 'F6'],
};

export const swapsTwo: BrokenDriver = {
  name: 'swaps the first and the last of a lane',
  plant: () => (driver) =>
    override(driver, {
      async publish(messages) {
        const order = messages.map((_, index) => index);
        const last = messages.findLastIndex(({ lane }) => lane !== 'unordered');
        const first = messages.findIndex(({ lane }) => lane === messages[last]?.lane);
        if (first >= 0 && last > first) [order[first], order[last]] = [last, first];
        const outcomes = await driver.publish(order.flatMap((index) => messages[index] ?? []));
        return messages.map((_, index) => outcomes[order.indexOf(index)]);
      },
    }),
  caughtBy: ['C2', 'E1', 'E2', 'E3', 'E6', 'I4', 'K1', 'K4', 'K6'],
};

export const losesOneInMany: BrokenDriver = {
  name: 'loses one message in a hundred and confirms it',
  plant: () => (driver) => {
    let count = 0;
    return override(driver, {
      async publish(messages) {
        const kept = messages.filter(({ to }) => to.kind !== 'stream' || ++count % 100 !== 0);
        const outcomes = await driver.publish(kept);
        return messages.map((message) => outcomes[kept.indexOf(message)]);
      },
    });
  },
  caughtBy: ['B5', 'E1', 'E4', 'F13', 'I3'],
};

export const leaksAPassword: BrokenDriver = {
  name: 'describes how it connects, password included',
  plant: () => (driver) =>
    override(driver, {
      describe: async () => [
        ...(await driver.describe()),
        { kind: 'connection', name: 'main', details: { url: `memory://contract:${PASSWORD}@here` } },
      ],
    }),
  caughtBy: ['C6', 'Q3'],
};

export const losesTheTimeToLive: BrokenDriver = {
  name: 'drops the one attribute that says how long a command makes sense',
  plant: () =>
    changing((message) => {
      const text = Buffer.from(message.body).toString();
      const without = text.replace(/,"expirytime":"[^"]*"/, '');
      return without === text ? message : { ...message, body: Buffer.from(without) };
    }),
  caughtBy: ['L1'],
};
