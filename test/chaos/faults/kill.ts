import type { Inject } from './ongoing';

/** A process is gone from one instruction to the next; its supervisor starts another. */
export const kill: Inject<'kill'> = async (cluster, { target }) => {
  await cluster.replica(target).kill();
  return undefined;
};
