export type { RabbitMqOptions } from './rabbitmq-dial.ts';
export { createRabbitMqDriver } from './rabbitmq-driver.ts';
