import { partitionOf } from '@ryax/contracts';
import type { LoggedEvent } from './checks';
import type { Tried } from './report';
import type { Label } from './roster';

/** A runner that was killed with the partitions that were its own. */
export interface RunnerDeath {
  readonly label: Label;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly partitions: readonly number[];
}

/** Until a killed runner has started again and has its partitions back, there is only one. */
const aloneMs = 10_000;

/**
 * How long it took, after each `kill -9` of a runner while the other one lived, until something was decided on one of its
 * partitions, in milliseconds. Kills beside which another fault went on are left out: they measure that one.
 */
export function takeovers(
  deaths: readonly RunnerDeath[],
  tried: readonly Tried[],
  events: readonly LoggedEvent[],
  partitions: number,
): number[] {
  return deaths.flatMap((death) => {
    const own = new Set(death.partitions);
    const next = events.find(
      ({ stream, recordedAt }) => recordedAt > death.at && own.has(partitionOf(stream, partitions)),
    );
    if (next === undefined) return [];
    const other = tried.some(
      ({ kind, from, to }) => kind !== 'kill' && from <= next.recordedAt && to >= death.at - aloneMs,
    );
    const others = deaths.some(({ at }) => at !== death.at && at >= death.at - aloneMs && at <= next.recordedAt);
    return other || others ? [] : [next.recordedAt - death.at];
  });
}
