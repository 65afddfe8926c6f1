import { postgresVersion, startPostgres } from '../lib/postgres.mjs';

/** @type {import('../index.mjs').PeerDefinition} */
export const peer = {
  variants: [{ system: 'dbos (step)', mode: 'step' }],
  durability: 'PostgreSQL, fsync and synchronous_commit on; input and result of each step kept, steps not dispatched',
  prepareServer: async () => ({ postgres: await postgresVersion() }),
  startServer: startPostgres,
};
