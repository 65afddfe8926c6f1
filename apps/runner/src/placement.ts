import {
  choosePool,
  eachAmount,
  fittingPools,
  isTooLarge,
  noAmounts,
  poolKey,
  reasonsOf,
  rejectionOf,
  type Demand,
  type Lane,
  type OfferedPool,
  type PoolAmounts,
} from '@ryax/workflow';
import type { Failure } from '@ryax/contracts';
import type { Clock } from '@ryax/platform';
import type { ExecutorRegistry } from './executors';
import type { Membership, WantedByPool } from './membership';
import { RecentEnds, slotlessWindow, windowShare } from './window';
import type { ReadyLane } from './ready-index';
import type { WorkIndex } from './work-index';

/** What is too large for all pools that are known fails, unless another one has come or gone so lately: more may be about to come. */
const settledAfterMs = 5_000;

/** A pool, and how much more may be handed out to it now. */
export interface PoolRoom extends OfferedPool {
  readonly key: string;
  readonly free: { -readonly [K in keyof PoolAmounts]: PoolAmounts[K] };
  /** Built-ins that hold no slot. */
  freeOfSlots: number;
  /** Of both, how much is for the lane whose turn it is. */
  part: number;
  /** What is taken of it, as its executors say, and not by us. */
  readonly othersUse: PoolAmounts;
}

export interface PlacementParts {
  readonly executors: ExecutorRegistry;
  readonly index: WorkIndex;
  readonly membership: Pick<Membership, 'wantedByOthers'>;
  readonly clock: Clock;
}

export interface PlacementOptions {
  /** How long what no pool can run, for what it asks by name, waits for one to come. */
  readonly patienceMs: number;
}

/**
 * Where ready work may start now. Of each pool only a window is ever out: its live slots and what ended there during the last
 * 100 ms, shared with other runners by what they want of it. What is free of cores and memory is judged by what the executors have
 * said last and by what we have handed out since; it is a preference between pools, and no bound.
 */
export class Placement {
  readonly recentEnds = new RecentEnds();
  private rooms: readonly PoolRoom[] = [];
  private readonly fitting = new Map<string, readonly PoolRoom[]>();
  private seenVersion = -1;
  /** When a pool last came or went, in monotonic ms. */
  private changedAt = 0;
  /** Since when no pool fits, in monotonic ms, by the key of the demand. Of what is ready only. */
  private nowhereSince: ReadonlyMap<string, number> = new Map();
  /** The newest start in each pool that was handed out while taking over. */
  private readonly startsInTakeover = new Map<string, { readonly streamId: string; readonly execution: string }>();

  constructor(
    private readonly parts: PlacementParts,
    private readonly options: PlacementOptions,
    /** While open runs are still being found, what is outstanding is not known: then one at a time in each pool. */
    private readonly isTakingOver: () => boolean,
  ) {}

  /** Pools and their room as they are now. What is then {@link take}n is counted until the next look. */
  look(): void {
    this.lookAtPools();
    for (const room of this.rooms) this.fill(room);
  }

  hasRoom(demand: Demand): boolean {
    const isFree = roomTest(demand);
    return this.fittingFor(demand).some(isFree);
  }

  /**
   * A lane has its turn: of each pool that others want, too, only a part is for it, until the turn of the next.
   *
   * @param waiting lanes that have yet to have their turn
   * @returns how much of it could start now
   */
  beginTurn(lane: ReadyLane, waiting: readonly ReadyLane[]): number {
    const rivals = waiting
      .filter((each) => each.lane.holdsSlot === lane.lane.holdsSlot)
      .map((each) => this.poolsOf(each));
    const { holdsSlot } = lane.lane;
    let room = 0;
    for (const pool of this.rooms) pool.part = 0;
    for (const pool of this.poolsOf(lane)) {
      const free = Math.max(0, holdsSlot ? pool.free.slots : pool.freeOfSlots);
      pool.part = Math.ceil(free / (1 + rivals.filter((pools) => pools.has(pool)).length));
      room += pool.part;
    }
    return room;
  }

  private poolsOf({ demands }: ReadyLane): ReadonlySet<PoolRoom> {
    return new Set([...demands.values()].flatMap(({ demand }) => this.fittingFor(demand)));
  }

  choose(demand: Demand): PoolRoom | undefined {
    return choosePool(demand, this.fittingFor(demand), roomTest(demand));
  }

  /** For people, of a choice that was not taken yet. */
  reasonsOf(demand: Demand, chosen: PoolRoom): readonly string[] {
    return reasonsOf(demand, chosen, this.fittingFor(demand), roomTest(demand));
  }

  take(pool: PoolRoom, { lane, cpu, memory_bytes, gpu }: Demand): void {
    if (!lane.holdsSlot) pool.freeOfSlots--;
    else pool.free.slots--;
    pool.part--;
    pool.free.cpu -= cpu;
    pool.free.memory_bytes -= memory_bytes;
    pool.free.gpu -= gpu;
  }

  /** While taking over, nothing more goes to that pool before this one has ended. */
  handedOut(pool: PoolRoom, { holdsSlot }: Lane, streamId: string, execution: string): void {
    if (this.isTakingOver()) this.startsInTakeover.set(startKey(pool, holdsSlot), { streamId, execution });
  }

  /**
   * Of what is ready and can run nowhere: why it fails now. Undefined while a pool fits, or one that is silent would, or one may come:
   * what is only too large is not waited for.
   */
  lookForHopeless(demands: readonly { readonly demand: Demand }[]): ReadonlyMap<Demand, Failure> {
    const now = this.parts.clock.monotonicMs();
    const nowhere = demands.filter(({ demand }) => this.fittingFor(demand).length === 0);
    this.nowhereSince = new Map(nowhere.map(({ demand: { key } }) => [key, this.nowhereSince.get(key) ?? now]));
    const hopeless = new Map<Demand, Failure>();
    if (nowhere.length === 0) return hopeless;
    const pools = this.parts.executors.rememberedPools;
    for (const { demand } of nowhere) {
      if (pools.length === 0 || fittingPools(demand, pools).length > 0) continue;
      const isHopeless = isTooLarge(demand, pools)
        ? now - this.changedAt >= settledAfterMs
        : now - (this.nowhereSince.get(demand.key) ?? now) >= this.options.patienceMs;
      if (isHopeless) hopeless.set(demand, rejectionOf(demand, pools));
    }
    return hopeless;
  }

  /** Work that asks for slots, outstanding and ready, by each pool that can run it. */
  get wanted(): WantedByPool {
    const wanted: Record<string, number> = {};
    this.lookAtPools();
    for (const { key } of this.rooms) {
      const count = this.wantedOf(key);
      if (count > 0) wanted[key] = count;
    }
    return wanted;
  }

  private wantedOf(pool: string): number {
    let count = this.parts.index.heldIn(pool).slots;
    for (const { demand, count: ready } of this.parts.index.ready.demands) {
      if (demand.lane.holdsSlot && this.fittingFor(demand).some(({ key }) => key === pool)) count += ready;
    }
    return count;
  }

  private fittingFor(demand: Demand): readonly PoolRoom[] {
    let fitting = this.fitting.get(demand.key);
    if (fitting === undefined) this.fitting.set(demand.key, (fitting = fittingPools(demand, this.rooms)));
    return fitting;
  }

  private lookAtPools(): void {
    const { executors, index } = this.parts;
    if (executors.version === this.seenVersion) return;
    this.seenVersion = executors.version;
    this.fitting.clear();
    const before = this.rooms;
    this.rooms = executors.pools.map((pool) => {
      const key = poolKey(pool.site, pool.name);
      const { capacity, free } = pool;
      const held = index.heldIn(key);
      const othersUse = eachAmount((each) => Math.max(0, capacity[each] - free[each] - held[each]));
      return { ...pool, key, free: { ...noAmounts }, freeOfSlots: 0, part: Infinity, othersUse };
    });
    const isSame = this.rooms.length === before.length && this.rooms.every(({ key }, at) => before[at]?.key === key);
    if (!isSame) this.changedAt = this.parts.clock.monotonicMs();
  }

  private fill(room: PoolRoom): void {
    const { key, capacity, othersUse, free } = room;
    const held = this.parts.index.heldIn(key);
    free.slots = this.bounded(key, true, this.window(room) - held.slots);
    free.cpu = capacity.cpu - othersUse.cpu - held.cpu;
    free.memory_bytes = capacity.memory_bytes - othersUse.memory_bytes - held.memory_bytes;
    free.gpu = capacity.gpu - othersUse.gpu - held.gpu;
    room.part = Infinity;
    room.freeOfSlots = this.bounded(key, false, slotlessWindow - held.slotless);
  }

  private window({ key, capacity }: PoolRoom): number {
    const window = capacity.slots + this.recentEnds.count(key, this.parts.clock.monotonicMs());
    const others = this.parts.membership.wantedByOthers(key);
    return others === 0 ? window : windowShare(window, this.wantedOf(key), others);
  }

  private bounded(pool: string, holdsSlot: boolean, room: number): number {
    const key = startKey({ key: pool }, holdsSlot);
    if (this.isTakingOver()) return this.isOut(this.startsInTakeover.get(key)) ? 0 : Math.min(room, 1);
    if (this.startsInTakeover.size > 0) this.startsInTakeover.delete(key);
    return room;
  }

  private isOut(start: { readonly streamId: string; readonly execution: string } | undefined): boolean {
    if (start === undefined) return false;
    return this.parts.index.attemptsOf(start.streamId).some(({ execution }) => execution === start.execution);
  }
}

function roomTest({ lane }: Demand): (pool: PoolRoom) => boolean {
  return lane.holdsSlot ? hasSlot : hasPlaceBesideSlots;
}

const hasSlot = ({ free, part }: PoolRoom): boolean => free.slots >= 1 && part >= 1;
const hasPlaceBesideSlots = ({ freeOfSlots, part }: PoolRoom): boolean => freeOfSlots >= 1 && part >= 1;

function startKey({ key }: Pick<PoolRoom, 'key'>, holdsSlot: boolean): string {
  return holdsSlot ? key : `${key} free`;
}
