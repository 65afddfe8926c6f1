import type { Inject } from './ongoing';

/** The broker is away for some ten seconds, and with it all that is transient. */
export const brokerRestart: Inject<'broker-restart'> = async (cluster, { signal }) => {
  await cluster.broker.restart(signal);
  return undefined;
};

/** Every connection is dropped, commits under way are lost or not, and nobody knows which. */
export const databaseRestart: Inject<'database-restart'> = async (cluster) => {
  await cluster.database.restartImmediately();
  return undefined;
};
