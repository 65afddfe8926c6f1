import type { Inject } from './ongoing';

/** A process is gone from one instruction to the next; its supervisor starts another. */
export const kill: Inject<'kill'> = async (cluster, { target }) => {
  const replica = cluster.replica(target);
  await replica.kill();
  if (replica.member.service === 'runner') {
    cluster.deaths.push({ label: target, at: Date.now(), partitions: replica.partitions() });
  }
  return undefined;
};
