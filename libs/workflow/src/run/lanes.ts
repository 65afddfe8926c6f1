import type { Heights } from '../definition/heights';
import type { PlanEntry } from '../definition/plan';
import { Heap } from './heap';
import type { Lane } from './run-aggregate';
import type { Instance } from './state';

/**
 * Ready work, apart by what it asks for: what waits for a slot of one pool must not hold up what needs none. In a lane,
 * what has the longest path of actions before it goes first, and of equal ones what was ready first. A queue is never
 * searched: whatever stopped being ready is passed over when it comes up.
 */
export interface Lanes {
  readonly queues: Map<string, LaneQueue>;
  readonly goesFirst: (one: Instance, other: Instance) => boolean;
}

interface LaneQueue extends Lane {
  /** Instances that are ready now; the queue may hold others, but never as its first. */
  count: number;
  readonly queue: Heap<Instance>;
}

/** A queue is swept once most of it is not ready any more; small ones are not worth it. */
const sweptAbove = 64;

/** @param heights how long the path is by entry number, where more is known than the plan says */
export function createLanes(heights?: Heights): Lanes {
  return { queues: new Map(), goesFirst: orderBy(heights) };
}

/** Of the log alone but for the heights, so that whoever folds a run with the same ones finds the same order. */
function orderBy(heights: Heights | undefined): Lanes['goesFirst'] {
  const heightOf = ({ number, height }: PlanEntry) => heights?.[number] ?? height;
  return (one, other) => {
    const higher = heightOf(one.entry) - heightOf(other.entry);
    return higher > 0 || (higher === 0 && one.turn < other.turn);
  };
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
  for (let first = lane.queue.peek(); first !== undefined && first.phase !== 'ready'; first = lane.queue.peek()) {
    first.queued = false;
    lane.queue.pop();
  }
  if (lane.queue.size > sweptAbove && lane.queue.size > 2 * (lane.count + 1)) {
    lane.queue.filter((each) => (each.queued = each.phase === 'ready'));
  }
}

/** The first ready instances of a lane, without taking them. */
export function firstInLane(lanes: Lanes, wanted: Lane, limit: number): Instance[] {
  const found: Instance[] = [];
  const queue = lanes.queues.get(keyOf(wanted))?.queue;
  const first = queue?.peek();
  if (queue === undefined || first === undefined || limit < 1) return found;
  if (limit === 1) return [first];
  while (found.length < limit) {
    const instance = queue.pop();
    if (instance === undefined) break;
    if (instance.phase === 'ready') found.push(instance);
    else instance.queued = false;
  }
  for (const instance of found) queue.push(instance);
  return found;
}

export function readyCount(lanes: Lanes, lane: Lane): number {
  return lanes.queues.get(keyOf(lane))?.count ?? 0;
}

function queueFor(lanes: Lanes, entry: PlanEntry): LaneQueue {
  const lane = laneOf(entry);
  const key = keyOf(lane);
  const known = lanes.queues.get(key);
  if (known !== undefined) return known;
  const created = { ...lane, count: 0, queue: new Heap<Instance>(lanes.goesFirst) };
  lanes.queues.set(key, created);
  return created;
}

function keyOf(lane: Lane): string {
  return `${lane.holdsSlot ? 'slot' : 'free'} ${lane.pool}`;
}
