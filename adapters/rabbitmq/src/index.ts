export type { RabbitMqOptions } from './rabbitmq-connection.ts';
export { createRabbitMqDriver } from './rabbitmq-driver.ts';
