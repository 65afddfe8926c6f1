import type { Heights } from '../definition/heights';
import type { PlanEntry } from '../definition/plan';
import { withMemory, type Demand, type Lane } from '../placement';
import { Heap } from './heap';
import { grownResources } from './memory-growth';
import type { Instance } from './state';

/**
 * Ready work, apart by what it asks for: what waits for a slot of one pool must not hold up what needs none, and what no pool can run
 * must not hold up the rest. Of a lane, whatever its demands, what has the longest path of actions before it goes first, and of equal
 * ones what was ready first. A queue is never searched: whatever stopped being ready is passed over when it comes up.
 */
export interface Lanes {
  /** By the key of the demand. */
  readonly queues: Map<string, DemandQueue>;
  readonly goesFirst: (one: Instance, other: Instance) => boolean;
}

interface DemandQueue {
  readonly demand: Demand;
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

/** What the next attempt, or the one that is out, asks for. Changes only while the instance is in no queue. */
export function demandOf({ entry, shortMemory }: Instance): Demand {
  if (shortMemory === null) return entry.demand;
  const { memory_bytes = 0 } = grownResources(entry.resources, shortMemory, entry.retry.memory);
  return withMemory(entry.demand, memory_bytes);
}

export function addReady(lanes: Lanes, instance: Instance): void {
  const queue = queueFor(lanes, demandOf(instance));
  queue.count++;
  if (instance.queued) return;
  queue.queue.push(instance);
  instance.queued = true;
}

/** The instance is not ready any more. */
export function removeReady(lanes: Lanes, instance: Instance): void {
  const waiting = queueFor(lanes, demandOf(instance));
  waiting.count--;
  const { queue, count } = waiting;
  dropEnded(queue);
  if (queue.size > sweptAbove && queue.size > 2 * (count + 1)) {
    queue.filter((each) => (each.queued = each.phase === 'ready'));
  }
}

interface Placed<Place> {
  readonly instance: Instance;
  readonly place: Place;
}

/** The first ready instances of a lane for which there is a place, without taking them. */
export function firstInLane<Place>(
  lanes: Lanes,
  { key }: Lane,
  limit: number,
  placeFor: (demand: Demand) => Place | undefined,
): Placed<Place>[] {
  const placed: Placed<Place>[] = [];
  const passed: { readonly queue: Heap<Instance>; readonly instance: Instance }[] = [];
  const open = new Set<DemandQueue>();
  for (const each of lanes.queues.values()) if (each.demand.lane.key === key) open.add(each);
  while (placed.length < limit) {
    const first = firstOf(open, lanes.goesFirst);
    if (first === undefined) break;
    const { instance, from } = first;
    const place = placeFor(from.demand);
    if (place === undefined) {
      open.delete(from);
      continue;
    }
    placed.push({ instance, place });
    if (placed.length === limit) break;
    from.queue.pop();
    passed.push({ queue: from.queue, instance });
    dropEnded(from.queue);
  }
  for (const { queue, instance } of passed) queue.push(instance);
  return placed;
}

function firstOf(
  queues: Iterable<DemandQueue>,
  goesFirst: Lanes['goesFirst'],
): { readonly instance: Instance; readonly from: DemandQueue } | undefined {
  let first: { instance: Instance; from: DemandQueue } | undefined;
  for (const from of queues) {
    const instance = from.queue.peek();
    if (instance !== undefined && (first === undefined || goesFirst(instance, first.instance))) {
      first = { instance, from };
    }
  }
  return first;
}

/** Of the lane of this demand, how many are ready. */
export function readyCount(lanes: Lanes, { lane }: Demand): number {
  let count = 0;
  for (const each of lanes.queues.values()) if (each.demand.lane.key === lane.key) count += each.count;
  return count;
}

/** Until what comes first is ready. */
function dropEnded(queue: Heap<Instance>): void {
  for (let first = queue.peek(); first !== undefined && first.phase !== 'ready'; first = queue.peek()) {
    first.queued = false;
    queue.pop();
  }
}

function queueFor(lanes: Lanes, demand: Demand): DemandQueue {
  const known = lanes.queues.get(demand.key);
  if (known !== undefined) return known;
  const created = { demand, count: 0, queue: new Heap<Instance>(lanes.goesFirst) };
  lanes.queues.set(demand.key, created);
  return created;
}
