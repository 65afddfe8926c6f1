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

function ownerOf(partition: number, runners: readonly string[]): string | undefined {
  let owner: string | undefined;
  let highest = -1;
  for (const runner of runners) {
    const weight = partitionOf(`${runner}/${partition}`, hashRange);
    if (weight > highest || (weight === highest && owner !== undefined && runner < owner)) {
      highest = weight;
      owner = runner;
    }
  }
  return owner;
}
