import { subscriberQueue } from '../subscriber';
import type { Inject } from './ongoing';

/**
 * Every queue of the engine; not that of the subscriber, who is somebody else. What is exclusive to a connection only that may
 * purge; it goes with the connection.
 */
export const purge: Inject<'purge'> = async (cluster) => {
  await cluster.broker.host.purgeAllQueues([subscriberQueue]);
  return undefined;
};

/** One of the queues that the engine's services share, from under its consumers. */
export const deleteQueue: Inject<'delete-queue'> = async (cluster, { draw }) => {
  const { host } = cluster.broker;
  const shared = (await host.queues()).filter((queue) => !queue.exclusive && queue.name !== subscriberQueue);
  const names = shared.map(({ name }) => name).sort();
  const name = names[Math.floor(draw * names.length)];
  if (name === undefined) throw new Error('Expected queues of the engine, found none');
  await host.deleteQueue(name);
  return undefined;
};
