import { postgresVersion, startPostgres } from '../lib/postgres.mjs';

/** @type {import('../index.mjs').PeerDefinition} */
export const peer = {
  variants: [{ system: 'pg-boss', mode: 'transactional' }],
  durability: 'PostgreSQL, fsync and synchronous_commit on; a queue only, no history of a run',
  prepareServer: async () => ({ postgres: await postgresVersion() }),
  startServer: startPostgres,
};
