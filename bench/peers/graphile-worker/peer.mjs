import { postgresVersion, startPostgres } from '../lib/postgres.mjs';

/** @type {import('../index.mjs').PeerDefinition} */
export const peer = {
  variants: [{ system: 'graphile-worker (throughput)', mode: 'throughput' }],
  durability: 'PostgreSQL, fsync and synchronous_commit on; a queue only, completed jobs are deleted',
  prepareServer: async () => ({ postgres: await postgresVersion() }),
  startServer: startPostgres,
};
