import { setImmediate as turn } from 'node:timers/promises';
import type { BrokerDriver, ConsumeOptions, Delivery } from '@waggle/messaging';
import { stageOf, workOf } from './kill-points.ts';
import type { Life } from './life.ts';
import { mortal, never } from './life.ts';

/** A driver with the kill points of a process around it. */
export function mortalDriver(driver: BrokerDriver, life: Life): BrokerDriver {
  let isAcked = false;

  /** It is sent within the turn, and has arrived when something that is asked afterwards is answered. */
  async function acked(source: ConsumeOptions['source'], point: string): Promise<void> {
    if (isAcked || life.endsAt !== point) return;
    isAcked = true;
    await turn();
    await turn();
    await driver.lag(source);
    life.reach(point);
  }

  const mortalDelivery = (delivery: Delivery, source: ConsumeOptions['source'], point: string): Delivery =>
    mortal(delivery, life, {
      ack() {
        delivery.ack();
        void acked(source, point);
      },
    });

  return mortal(driver, life, {
    async publish(messages) {
      const stages = new Set(messages.map(({ type }) => stageOf(type)));
      for (const stage of stages) if (life.reach(`${stage}.publish`)) return never();
      return driver.publish(messages);
    },
    async consume(options, deliver) {
      const { source } = options;
      const work = source.kind === 'group' ? workOf(source.group) : undefined;
      const consumer = await driver.consume(options, (delivery) => {
        if (!life.reach(`${work}.delivered`)) deliver(mortalDelivery(delivery, source, `${work}.acked`));
      });
      return mortal(consumer, life);
    },
  });
}
