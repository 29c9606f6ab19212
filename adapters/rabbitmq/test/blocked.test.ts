import { describe, expect, it } from 'vitest';
import {
  createInbox,
  GROUP,
  join,
  keepPublishing,
  message,
  mustPublish,
  source,
  TYPE,
  uniqueNamespace,
  useServer,
} from './harness.ts';

const rabbitmq = useServer();
const memory = (part: string): Promise<string> => rabbitmq.server.ctl('set_vm_memory_high_watermark', part);

describe('a server that is short of memory', () => {
  it('stops publishing, not consuming; and what was given up meanwhile is not stored afterwards', async () => {
    const driver = await rabbitmq.stable.open(uniqueNamespace(), { requestTimeoutMs: 1_000 });
    await driver.declare({ groups: [{ group: GROUP, types: [TYPE], from: 'new', ordering: 'none' }] });
    let isHeld = true;
    const inbox = createInbox((delivery) => (isHeld ? undefined : delivery.ack()));
    await join(driver, inbox.deliver, 'none', 2);
    const backlog = ['1', '2', '3', '4', '5', '6'];
    await mustPublish(driver, ...backlog.map((id) => message(id)));
    await inbox.until((all) => all.length === 2);
    await memory('0');
    // The server says so to whoever publishes, and has taken that message already.
    const [told] = await driver.publish([message('told')]);
    expect(told?.code).toBe('timeout');
    const [refused] = await driver.publish([message('refused')]);
    expect(refused).toMatchObject({ code: 'unavailable', message: expect.stringContaining('not sent') });
    for (let next = 0; next < backlog.length; next++) {
      await inbox.until((all) => all.length > next);
      inbox.deliveries[next]?.ack();
    }
    expect(inbox.ids()).toEqual(backlog);
    expect(await driver.lag(source)).toBe(0);
    isHeld = false;
    const waiting = keepPublishing(driver, message('last'));
    await memory('0.4');
    await waiting;
    await inbox.until(() => inbox.ids().includes('last'));
    expect(inbox.ids()).not.toContain('refused');
  }, 60_000);

  it('does not keep a driver from closing', async () => {
    const driver = await rabbitmq.stable.open(uniqueNamespace(), { requestTimeoutMs: 1_000 });
    await memory('0');
    await driver.publish([message('told')]);
    await driver.close();
    await memory('0.4');
    const connections = (): Promise<string> => rabbitmq.server.ctl('list_connections', 'pid');
    await expect.poll(connections, { timeout: 20_000 }).not.toContain('rabbit');
  }, 60_000);
});
