import { parcelArrived } from '@waggle/contracts/testing';
import type { CloudEvent } from '@waggle/kernel';
import type { Host } from '@waggle/runtime';
import { startHost } from '@waggle/runtime';
import { describe, expect, onTestFinished, test } from 'vitest';
import { depot, DEPOT_SOURCES } from './depot.ts';
import { npmRun } from './npm-run.ts';
import { durable, environmentFor } from './start.ts';
import { tellIfNone } from '../adapters/tell-if-none.ts';

tellIfNone('broker', durable);

/** Declared as one thing, shaped as another. */
const poison = (): CloudEvent => ({
  specversion: '1.0',
  id: crypto.randomUUID(),
  source: '/somebody-else',
  type: parcelArrived.type,
  data: { parcelId: 42 },
});

/** A running system on which this many messages were given up on. */
async function givenUpOn(broker: string, count: number) {
  const environment = await environmentFor(broker, DEPOT_SOURCES);
  const host = await startHost({ ...depot, environment });
  onTestFinished(async () => void (await host.stop()));
  const poisons = Array.from({ length: count }, poison);
  for (const event of poisons) await host.messaging.events.publish(event);
  await expect.poll(async () => (await askHost(host)).total).toBe(count);
  const command = (...words: readonly string[]) => npmRun('dead-letters', words, environment);
  return { environment, host, command, ids: (await askHost(host)).deadLetters.map(({ id }) => id) };
}

async function askHost(host: Host) {
  const response = await fetch(`${host.url}/dead-letters`);
  return (await response.json()) as {
    readonly total: number;
    readonly deadLetters: readonly { id: string }[];
  };
}

describe.each(durable)('the dead letters of a running system on %s', (broker) => {
  test('are listed and shown by a command, for people and for machines', async () => {
    const { environment, command, ids } = await givenUpOn(broker, 2);
    const [first = ''] = ids;
    const { NAMESPACE = '' } = environment;
    const listed = await command('list');
    expect(listed.status, listed.stderr).toBe(0);
    expect(listed.stdout).toContain(`namespace ${NAMESPACE} on ${broker}: 2 dead letters`);
    for (const id of ids) expect(listed.stdout).toContain(id);
    const asJson = await command('list', '--cause', 'schema', '--since', '1h', '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({ namespace: NAMESPACE, broker, total: 2 });
    const shown = JSON.parse((await command('show', first, '--json')).stdout);
    expect(shown).toMatchObject({ id: first, cause: 'schema', bodyEncoding: 'utf-8' });
    expect(JSON.parse(shown.body)).toMatchObject({ id: shown.messageId });
    expect((await command('show', first)).stdout).toContain(shown.body);
    expect(await command('show', 'nobody/knows')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no dead letter nobody/knows'),
    });
  });

  test('are redriven and discarded by a command, after a dry run that does nothing', async () => {
    const { command, host, ids } = await givenUpOn(broker, 3);
    const [first = '', second = ''] = ids;
    expect((await command('redrive', '--all', '--dry-run')).stdout).toContain(
      '3 dead letters would be redriven',
    );
    expect((await command('discard', first, '--dry-run')).stdout).toContain(
      'would be discarded; nothing was done',
    );
    expect((await askHost(host)).total).toBe(3);
    expect((await command('discard', first)).stdout).toContain('1 dead letter discarded');
    await expect.poll(async () => (await askHost(host)).total).toBe(2);
    expect(await command('discard', first, second)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('1 dead letter discarded'),
    });
    // It breaks its schema for ever: a redrive brings it back.
    expect((await command('redrive', '--all')).stdout).toContain('1 dead letter redriven');
    await expect.poll(async () => (await askHost(host)).total).toBe(1);
    const again = JSON.parse((await command('list', '--json')).stdout);
    expect(again.deadLetters).toMatchObject([{ id: ids[2] }]);
  });

  test('of a namespace that is not there are not looked for: it is told, and not created', async () => {
    const environment = await environmentFor(broker);
    for (let time = 0; time < 2; time++) {
      const { status, stdout, stderr } = await npmRun('dead-letters', ['list'], environment);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain(`there is no namespace "${environment['NAMESPACE']}" on ${broker}`);
    }
  });
});
