import type { Inject } from './ongoing';

/** One process does not reach its broker or database, and does not learn whether what it has said has arrived. */
export const networkCut: Inject<'network-cut'> = async (cluster, { target, line, manner }) => {
  const proxy = cluster.replica(target).line(line);
  if (manner === 'closed') {
    await proxy.close();
    return () => proxy.open();
  }
  proxy.freeze();
  return () => Promise.resolve(proxy.thaw());
};
