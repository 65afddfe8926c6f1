import type { PlanEntry } from '../definition/plan';
import type { Lane } from './run-aggregate';
import type { Instance } from './state';

/**
 * Ready work, first come first, apart by what it asks for: what waits for a slot of one pool must not hold up what
 * needs none. A queue is never searched: whatever stopped being ready is passed over when it comes up.
 */
export type Lanes = Map<string, LaneQueue>;

interface LaneQueue extends Lane {
  /** Instances that are ready now; the queue may hold others. */
  count: number;
  queue: Instance[];
  /** Everything before it has been dealt with. */
  head: number;
}

export function createLanes(): Lanes {
  return new Map();
}

export function laneOf(entry: PlanEntry): Lane {
  return { pool: entry.pool, holdsSlot: entry.action?.type !== 'builtin' };
}

export function addReady(lanes: Lanes, instance: Instance): void {
  const lane = queueFor(lanes, instance.entry);
  lane.count++;
  if (instance.queued) return;
  lane.queue.push(instance);
  instance.queued = true;
}

/** The instance is not ready any more. */
export function removeReady(lanes: Lanes, instance: Instance): void {
  const lane = queueFor(lanes, instance.entry);
  lane.count--;
  for (
    let first = lane.queue[lane.head];
    first !== undefined && first.phase !== 'ready';
    first = lane.queue[lane.head]
  ) {
    first.queued = false;
    lane.head++;
  }
  if (lane.queue.length > 64 && lane.queue.length > 2 * (lane.count + 1)) compact(lane);
}

/** The first ready instances of a lane, without taking them. */
export function firstInLane(lanes: Lanes, wanted: Lane, limit: number): Instance[] {
  const found: Instance[] = [];
  const lane = lanes.get(keyOf(wanted));
  if (lane === undefined) return found;
  for (let index = lane.head; index < lane.queue.length && found.length < limit; index++) {
    const instance = lane.queue[index];
    if (instance?.phase === 'ready') found.push(instance);
  }
  return found;
}

export function readyCount(lanes: Lanes, lane: Lane): number {
  return lanes.get(keyOf(lane))?.count ?? 0;
}

function queueFor(lanes: Lanes, entry: PlanEntry): LaneQueue {
  const lane = laneOf(entry);
  const key = keyOf(lane);
  const known = lanes.get(key);
  if (known !== undefined) return known;
  const created = { ...lane, count: 0, queue: [], head: 0 };
  lanes.set(key, created);
  return created;
}

function compact(lane: LaneQueue): void {
  lane.queue = lane.queue.slice(lane.head).filter((instance) => (instance.queued = instance.phase === 'ready'));
  lane.head = 0;
}

function keyOf(lane: Lane): string {
  return `${lane.holdsSlot ? 'slot' : 'free'} ${lane.pool}`;
}
