export * from './amqp/amqp-broker';
export * from './broker';
export * from './errors';
export * from './memory/in-memory-broker';
export * from './memory/in-memory-server';
