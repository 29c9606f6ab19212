import type { BrokerDriver, DriverSettings, Store, StoreSettings } from '@waggle/messaging';
import type { Environment } from '@waggle/runtime';

/** As the modules of the adapters make them. Each loads its own adapter alone, since hosts start all the time. */
export const brokers = {
  async nats({ NATS_URL: url = '' }: Environment) {
    const { createNatsDriver } = await import('@waggle/adapter-nats');
    return (settings: DriverSettings): BrokerDriver => createNatsDriver(settings, { url });
  },
  async rabbitmq({ RABBITMQ_URL: url = '' }: Environment) {
    const { createRabbitMqDriver } = await import('@waggle/adapter-rabbitmq');
    return (settings: DriverSettings): BrokerDriver =>
      createRabbitMqDriver(settings, { url, name: settings.namespace });
  },
};

export const stores = {
  async sqlite({ SQLITE_FILE: file = '' }: Environment, settings: StoreSettings): Promise<Store> {
    const { createSqliteStore } = await import('@waggle/adapter-sqlite');
    return createSqliteStore({ file, synchronous: 'normal', settings });
  },
  async postgres({ DATABASE_URL = '' }: Environment, settings: StoreSettings): Promise<Store> {
    const { createPostgresStore } = await import('@waggle/adapter-postgres');
    const { hostname: host, port, pathname, username, password } = new URL(DATABASE_URL);
    return createPostgresStore(
      {
        host,
        port: Number(port || '5432'),
        database: pathname.slice(1),
        user: decodeURIComponent(username),
        password: decodeURIComponent(password),
      },
      settings,
    );
  },
};

export type Broker = keyof typeof brokers;
export type StoreKind = keyof typeof stores;
