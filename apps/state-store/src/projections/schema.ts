/**
 * The PostgreSQL schema that holds the read models. A rebuild fills a second one beside it and then takes its name, so
 * every statement on read models is made for a schema.
 */
export const liveSchema = 'read_models';
export const shadowSchema = 'read_models_rebuild';
export type ReadModelSchema = typeof liveSchema | typeof shadowSchema;
