import { defineProjection } from '@waggle/event-sourcing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parcelArrived, sendParcel } from '@waggle/contracts/testing';
import type { Observation } from '@waggle/kernel';
import { onCommand, onEvent, Reject } from '@waggle/kernel';
import { expect, test } from 'vitest';
import { createLogger } from '../src/logging.ts';
import { ROOT } from './env-example.ts';
import { aHost, aService, memoryLogger, publishing } from './start.ts';

const confirmed = {
  specversion: '1.0',
  id: 'e1',
  source: '/test',
  ...parcelArrived(parcelArrived.example),
} as const;

test('a handler is a consumer group of its service, and its lag is told', async () => {
  const { promise: handled, resolve } = Promise.withResolvers<string>();
  const handler = onEvent('listen', parcelArrived, async (_, __, { consumer }) => resolve(consumer));
  const host = await aHost([aService({ handlers: [handler] })]);
  const { kind: _, ...event } = confirmed;
  await host.messaging.events.publish(event);
  expect(await handled).toBe('testing.listen');
  const health = await (await host.request('/health')).json();
  expect(health).toMatchObject({
    status: 'ok',
    services: ['testing'],
    broker: { name: 'memory', status: 'open' },
    store: { name: 'memory' },
    consumers: { 'testing.listen': { lag: expect.any(Number), missed: 0 } },
  });
});

test('the metrics count what happened to messages', async () => {
  const { promise: handled, resolve } = Promise.withResolvers<void>();
  const observer = ({ what }: Observation): void => void (what === 'handled' && resolve());
  const handlers = [onEvent('listen', parcelArrived, async () => undefined)];
  const routes = publishing(parcelArrived(parcelArrived.example));
  const host = await aHost([aService({ handlers, routes })], { observer });
  await host.request('/things', { method: 'POST' });
  await handled;
  const metrics = await (await host.request('/metrics')).text();
  expect(metrics).toContain(
    'waggle_messages_total{what="published",type="parcels.parcel-arrived.v1",consumer=""} 1',
  );
  expect(metrics).toContain('consumer="testing.listen"} 1');
});

test('a queue that a service sends to exists before anybody receives from it', async () => {
  const host = await aHost([aService({ sends: [sendParcel] })]);
  const { kind: _, ...command } = sendParcel(sendParcel.example);
  await host.messaging.queue.send({ specversion: '1.0', id: 'c1', source: '/test', ...command });
});

test('stopping ends readiness first, finishes what is being handled, sends what was committed, and is done once', async () => {
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const slow = onEvent('slow', parcelArrived, async () => {
    started.resolve();
    await finish.promise;
  });
  const observed: string[] = [];
  const observer = ({ what }: Observation): void => void observed.push(what);
  const host = await aHost([aService({ handlers: [slow] })], { observer });
  expect((await host.request('/readyz')).status).toBe(200);
  const { kind: _, ...event } = confirmed;
  await host.messaging.events.publish(event);
  await started.promise;
  const stopping = host.stop();
  expect((await host.request('/readyz')).status).toBe(503);
  expect((await host.request('/livez')).status).toBe(200);
  finish.resolve();
  expect(await stopping).toEqual({ finished: 1, abandoned: [], unsent: 0 });
  expect(await host.stop()).toBe(await stopping);
  expect(observed).toContain('handled');
});

test('what a handler could not finish within the budget is reported', async () => {
  const started = Promise.withResolvers<void>();
  const stuck = onEvent('stuck', parcelArrived, (_, __, { signal }) => {
    started.resolve();
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  });
  const host = await aHost([aService({ handlers: [stuck] })], { environment: { SHUTDOWN_TIMEOUT_MS: '50' } });
  const { kind: _, ...event } = confirmed;
  await host.messaging.events.publish(event);
  await started.promise;
  expect(await host.stop()).toEqual({ finished: 0, abandoned: ['e1'], unsent: 0 });
});

test('services that do not fit together are refused at start', async () => {
  const command = onCommand('take', sendParcel, async () => undefined);
  const event = onEvent('listen', parcelArrived, async () => undefined);
  const starting = aHost([
    aService({ name: 'one', handlers: [command, event, event] }),
    aService({ name: 'two', handlers: [command] }),
  ]);
  await expect(starting).rejects.toThrow('one has two handlers named listen');
  await expect(starting).rejects.toThrow('one and two both handle commands of parcels');
});

test('two read models of one name in a service are refused at start', async () => {
  const projection = defineProjection({ name: 'views', category: 'order', project: () => undefined });
  const starting = aHost([aService({ projections: [projection, projection] })]);
  await expect(starting).rejects.toThrow('testing has two read models named views: rename one');
});

test('handlers of one queue with different options are refused at start', async () => {
  const slow = onCommand('slow', sendParcel, async () => undefined, { timeoutMs: 60_000 });
  const quick = onCommand('quick', sendParcel, async () => undefined);
  const starting = aHost([aService({ handlers: [slow, quick] })]);
  await expect(starting).rejects.toThrow('testing handles commands of parcels with different options');
});

test('a handler that halts after a dead letter and has no order is refused at start', async () => {
  const options = { afterDeadLetter: 'halt', ordering: 'none' } as const;
  const listening = onEvent('listen', parcelArrived, async () => undefined, options);
  const starting = aHost([aService({ handlers: [listening] })]);
  await expect(starting).rejects.toThrow('testing.listen halts after a dead letter and has no order');
});

test('a handler may halt after a dead letter, and what waits is shown to be held', async () => {
  const { promise: failed, resolve } = Promise.withResolvers<void>();
  const reject = async (): Promise<never> => {
    resolve();
    throw new Reject('no');
  };
  const host = await aHost([
    aService({ handlers: [onEvent('listen', parcelArrived, reject, { afterDeadLetter: 'halt' })] }),
  ]);
  const { kind: _, ...event } = confirmed;
  await host.messaging.events.publish({ ...event, partitionkey: 'parcel-1' });
  await failed;
  await expect
    .poll(async () => (await host.request('/dead-letters')).json())
    .toMatchObject({ total: 1, deadLetters: [{ id: 'testing.listen/e1', held: true }] });
  const health = await (await host.request('/health')).json();
  expect(health).toMatchObject({ consumers: { 'testing.listen': { lag: 1 } } });
});

test('log lines carry the correlation and the trace of what they were written for', async () => {
  const written: string[] = [];
  const logger = await createLogger(
    { LOG_LEVEL: 'info', LOG_FORMAT: 'json' },
    { write: (line) => void written.push(line) },
  );
  const { promise: handled, resolve } = Promise.withResolvers<void>();
  const handler = onEvent('listen', parcelArrived, async () => {
    logger.info('inside', { a: 1 });
    resolve();
  });
  const host = await aHost([aService({ handlers: [handler] })]);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const { kind: _, ...event } = confirmed;
  await host.messaging.events.publish({ ...event, correlationid: 'abc-1', traceparent });
  await handled;
  expect(JSON.parse(written[0] ?? '')).toMatchObject({
    msg: 'inside',
    a: 1,
    correlationId: 'abc-1',
    traceId: '0af7651916cd43dd8448eb211c80319c',
  });
});

test('starting says what runs where', async () => {
  const { logger, lines } = memoryLogger();
  const host = await aHost([aService({})], { logger });
  const started = lines.find(({ message }) => message === 'started');
  expect(started?.fields).toMatchObject({
    services: ['testing'],
    url: host.url,
    broker: 'memory',
    store: 'memory',
  });
});

test('starting without any service says how to make one', async () => {
  const { logger, lines } = memoryLogger();
  await aHost([], { logger });
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      message: expect.stringContaining('npm run new:service -- <name>'),
    }),
  );
});

test('the process drains on SIGTERM and ends with status 0', async () => {
  const env = {
    ...process.env,
    PORT: '0',
    BROKER: '',
    STORE: '',
    SERVICES: '',
    LOG_FORMAT: 'json',
    LOG_LEVEL: 'info',
  };
  const child = spawn(process.execPath, ['shared/runtime/src/main.js'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const messages: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    const { msg } = JSON.parse(line) as { readonly msg: string };
    messages.push(msg);
    if (msg === 'started') child.kill('SIGTERM');
  }
  expect(await exited).toEqual([0, null]);
  expect(messages.filter((said) => /^(start|stop)/.test(said))).toEqual(['started', 'stopping', 'stopped']);
});

test('a process that cannot be configured says why, without a stack, and ends with status 1', async () => {
  const env = { ...process.env, PORT: 'x', BROKER: 'memory', SERVICES: '' };
  const child = spawn(process.execPath, [join('shared/runtime/src/main.js')], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) lines.push(line);
  expect(await exited).toEqual([1, null]);
  expect(lines).toEqual([
    '[waggle] the configuration cannot be used:',
    expect.stringContaining('PORT is "x"'),
  ]);
});
