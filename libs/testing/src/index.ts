export * from './broker';
export * from './database';
export * from './fuzz';
export { pods as podsResource } from './kubernetes/objects';
export { createVirtualHost } from './management';
export * from './proxy';
export * from './service-process';
export * from './use-kubernetes';
export * from './wait-for';
