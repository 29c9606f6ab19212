import type { BrokerDriver, Delivery, DriverConsumer } from '@waggle/messaging';

/** A driver that does what `driver` does: to be spread into one that does something else in one place. */
export function passThrough(driver: BrokerDriver): BrokerDriver {
  return {
    get status() {
      return driver.status;
    },
    get releaseCounts() {
      return driver.releaseCounts === true;
    },
    open: (options) => driver.open(options),
    declare: (topology) => driver.declare(topology),
    publish: (messages) => driver.publish(messages),
    consume: (options, deliver) => driver.consume(options, deliver),
    read: (source, options) => driver.read(source, options),
    lag: (source) => driver.lag(source),
    describe: () => driver.describe(),
    close: () => driver.close(),
  };
}

/** The same for a delivery, which does not say whether it is over: who settles it early may hand it over all the same. */
export function passDelivery(delivery: Delivery): Delivery {
  return {
    message: delivery.message,
    lane: delivery.lane,
    attempt: delivery.attempt,
    ack: () => delivery.ack(),
    retry: (delayMs) => delivery.retry(delayMs),
    release: () => delivery.release(),
  };
}

/** A driver whose deliveries are changed on their way; `change` gets each once. */
export function changingDeliveries(
  driver: BrokerDriver,
  change: (delivery: Delivery) => Delivery,
): BrokerDriver {
  return override(driver, {
    consume: (options, deliver) => driver.consume(options, (delivery) => deliver(change(delivery))),
  });
}

type Methods = Partial<Omit<BrokerDriver, 'status' | 'releaseCounts'>>;

/** `driver` with some of its methods replaced; what it says of itself stays live. */
export function override(driver: BrokerDriver, methods: Methods): BrokerDriver {
  return Object.assign(passThrough(driver), methods);
}

/** `consumer` with some of its methods replaced; what it says of itself stays live. */
export function overrideConsumer(consumer: DriverConsumer, methods: Partial<DriverConsumer>): DriverConsumer {
  return Object.assign(Object.create(consumer) as DriverConsumer, methods);
}
