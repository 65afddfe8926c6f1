import type { PlanEntry } from '../definition/plan';
import { Heap } from './heap';
import type { Lane } from './run-aggregate';
import type { Instance } from './state';

/**
 * Ready work, apart by what it asks for: what waits for a slot of one pool must not hold up what needs none. In a lane,
 * what has the longest path of actions before it goes first, and of equal ones what was ready first. A queue is never
 * searched: whatever stopped being ready is passed over when it comes up.
 */
export type Lanes = Map<string, LaneQueue>;

interface LaneQueue extends Lane {
  /** Instances that are ready now; the queue may hold others, but never as its first. */
  count: number;
  readonly queue: Heap<Instance>;
}

/** A queue is swept once most of it is not ready any more; small ones are not worth it. */
const sweptAbove = 64;

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
  const queue = lanes.get(keyOf(wanted))?.queue;
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
  return lanes.get(keyOf(lane))?.count ?? 0;
}

function queueFor(lanes: Lanes, entry: PlanEntry): LaneQueue {
  const lane = laneOf(entry);
  const key = keyOf(lane);
  const known = lanes.get(key);
  if (known !== undefined) return known;
  const created = { ...lane, count: 0, queue: new Heap<Instance>(goesFirst) };
  lanes.set(key, created);
  return created;
}

/** Both are of the log alone, so that whoever folds a run finds the same order. */
function goesFirst(one: Instance, other: Instance): boolean {
  const higher = one.entry.height - other.entry.height;
  return higher > 0 || (higher === 0 && one.turn < other.turn);
}

function keyOf(lane: Lane): string {
  return `${lane.holdsSlot ? 'slot' : 'free'} ${lane.pool}`;
}
