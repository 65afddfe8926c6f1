import { partitionOf } from '@ryax/contracts';

const hashRange = 0xffffffff;

/**
 * The partitions that one runner owns, by rendezvous hashing: each partition goes to the runner with the highest hash
 * of (runner, partition). Every runner computes the same answer from the same members, and one that joins or leaves
 * moves only the partitions that it gains or gave up.
 */
export function ownedPartitions(self: string, runners: readonly string[], partitions: number): readonly number[] {
  return Array.from({ length: partitions }, (_, partition) => partition).filter(
    (partition) => ownerOf(partition, runners) === self,
  );
}

/** The one with the highest hash of (member, key); undefined where there are none. */
export function ownerOf(key: number | string, members: readonly string[]): string | undefined {
  let owner: string | undefined;
  let highest = -1;
  for (const member of members) {
    const weight = partitionOf(`${member}/${key}`, hashRange);
    if (weight > highest || (weight === highest && owner !== undefined && member < owner)) {
      highest = weight;
      owner = member;
    }
  }
  return owner;
}
