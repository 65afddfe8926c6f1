import type { Inject } from './ongoing';

/**
 * A process stands still for longer than anybody waits for it, with its connections open and its state as it was; then it wakes
 * and still believes that it owns what it owned.
 */
export const pause: Inject<'pause'> = async (cluster, { target }) => {
  const replica = cluster.replica(target);
  await replica.pause();
  return () => Promise.resolve(replica.resume());
};
