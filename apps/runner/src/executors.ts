import type { Beat, ExecutorPools, PoolKind, Traits } from '@ryax/contracts';
import { defaultPool, offeredPools, type Demand, type OfferedPool, type PoolsOfExecutor } from '@ryax/workflow';
import { chooseExecutor, type Candidate, type RunnerRank } from './executor-choice';

/** What is known of an executor's process, from its beats. */
export interface KnownExecutor {
  readonly executor: string;
  readonly incarnation: string;
  readonly site: string;
  pools: Beat['pools'];
  /** What its pools are like; empty where it has not said. */
  kinds: readonly PoolKind[];
  /** What it runs goes on when it dies. */
  keepsWork: boolean;
  /** The broker found no queue of it: no start is sent until it is heard again. */
  isUnreachable: boolean;
  /** {@link ExecutorRegistry.credibleMs} when it was last heard. */
  lastHeard: number;
  /** How many beats of it were heard. */
  readonly beats: number;
  /** {@link Surroundings.outstandingAt} it when it was last heard. */
  readonly outstandingThen: number;
}

/** An executor that is known by what others say of it. */
export type PresumedExecutor = Omit<KnownExecutor, 'lastHeard' | 'isUnreachable' | 'beats' | 'outstandingThen'>;

/** What placing depends on beside what executors say. */
export interface Surroundings {
  /** How much of ours an executor has to do that asks for slots. */
  outstandingAt(incarnation: string): number;
  /** Which of the runners we are. */
  readonly rank: RunnerRank;
}

/** An executor has given a start back. */
export interface GivenBack {
  /** Its incarnation. */
  readonly by: string;
  /** How many beats of it had been heard. */
  readonly beats: number;
}

/** What is to be sent to an executor. */
export interface Placing {
  readonly site: string;
  readonly pool: string;
  readonly demand: Demand;
  readonly givenBack: readonly GivenBack[];
  /** See {@link workerKey}; undefined for what has none. */
  readonly handler: string | undefined;
}

/** The dead are remembered until what they held is long declared lost; one that is heard of later has our patience again. */
const patiencesRemembered = 60;

/**
 * Executors alive, by their beats. Silence proves a death only while we hear ourselves on the same exchange: a broker
 * that was down silences everybody. So silence is measured in *credible* time, which advances from one own beat heard to
 * the next, and never by more than `maxGapMs` at once.
 */
export class ExecutorRegistry {
  private readonly executors = new Map<string, KnownExecutor>();
  /** Not forgotten with the executors that made them so: what those ran may run for days. */
  private readonly sitesThatKeepWork = new Set<string>();
  private credible = 0;
  private ownBeatHeardAt: number | undefined;
  private silentPools: readonly PoolsOfExecutor[] = [];
  private changes = 0;
  private known: { readonly version: number; readonly pools: readonly OfferedPool[] } | undefined;
  private reached: { readonly version: number; readonly executors: readonly KnownExecutor[] } | undefined;
  private turn = 0;

  constructor(
    private readonly options: { readonly patienceMs: number; readonly maxGapMs: number },
    private readonly around: Surroundings,
  ) {}

  get credibleMs(): number {
    return this.credible;
  }

  /** Another one whenever {@link pools} may be others, or otherwise free. */
  get version(): number {
    return this.changes;
  }

  /** What all executors that starts can be sent to offer together. */
  get pools(): readonly OfferedPool[] {
    if (this.known?.version !== this.changes)
      this.known = { version: this.changes, pools: offeredPools(this.reachable()) };
    return this.known.pools;
  }

  /** What one node of a pool has, in bytes; without an end where nobody says. */
  memoryOfNode(site: string, pool: string): number {
    const found = this.pools.find((each) => each.site === site && each.name === pool);
    return found?.traits?.node.memory_bytes ?? Infinity;
  }

  /** The same of all that were heard in the last while, by whomever, be they silent now. */
  get rememberedPools(): readonly OfferedPool[] {
    const isOver = this.credible > patiencesRemembered * this.options.patienceMs;
    return offeredPools([...this.executors.values(), ...(isOver ? [] : this.silentPools)]);
  }

  /** Pools of executors that were silent before we began to listen. */
  rememberPools(silent: readonly PoolsOfExecutor[]): void {
    this.silentPools = silent;
  }

  /** Our own beat came back over the executors' exchange. */
  heardSelf(monotonicMs: number): void {
    this.changes++;
    if (this.ownBeatHeardAt !== undefined) {
      this.credible += Math.min(monotonicMs - this.ownBeatHeardAt, this.options.maxGapMs);
    }
    this.ownBeatHeardAt = monotonicMs;
    for (const [incarnation, { lastHeard }] of this.executors) {
      if (this.credible - lastHeard > patiencesRemembered * this.options.patienceMs) this.executors.delete(incarnation);
    }
  }

  heard(beat: Beat): void {
    this.changes++;
    this.executors.set(beat.incarnation, {
      executor: beat.executor,
      incarnation: beat.incarnation,
      site: beat.site,
      pools: beat.pools,
      kinds: this.kindsOf(beat.incarnation),
      keepsWork: this.isKeeping(beat.incarnation),
      isUnreachable: false,
      lastHeard: this.credible,
      beats: this.beatsOf(beat.incarnation) + 1,
      outstandingThen: this.around.outstandingAt(beat.incarnation),
    });
  }

  /** How many beats of it were heard. */
  beatsOf(incarnation: string): number {
    return this.executors.get(incarnation)?.beats ?? 0;
  }

  /** Comes before each beat of an executor that has something to say of its kind. */
  heardTraits({ executor, incarnation, site, keeps_work }: Traits): void {
    this.presume({ executor, incarnation, site, pools: [], kinds: [], keepsWork: keeps_work });
  }

  /** Comes before each beat, too. */
  heardPools({ executor, incarnation, site, pools }: ExecutorPools): void {
    this.presume({ executor, incarnation, site, pools: [], kinds: pools, keepsWork: false });
    const known = this.executors.get(incarnation);
    if (known !== undefined) known.kinds = pools;
  }

  kindsOf(incarnation: string): readonly PoolKind[] {
    return this.executors.get(incarnation)?.kinds ?? [];
  }

  /**
   * An executor that others have heard before we listened: it has our patience from now on. `keepsWork` where that is known of it;
   * of one that does it is never unlearnt.
   */
  presume(presumed: PresumedExecutor): void {
    const known = this.executors.get(presumed.incarnation);
    if (presumed.keepsWork) this.rememberKept(presumed.site);
    if (known !== undefined) known.keepsWork ||= presumed.keepsWork;
    else {
      this.changes++;
      const outstandingThen = this.around.outstandingAt(presumed.incarnation);
      const unheard = { isUnreachable: false, lastHeard: this.credible, beats: 0, outstandingThen };
      this.executors.set(presumed.incarnation, { ...presumed, ...unheard });
    }
  }

  /** An executor of this site has kept work, be it long dead. */
  rememberKept(site: string): void {
    this.sitesThatKeepWork.add(site);
  }

  /** Whether work of this site may outlive its executor, as that of any executor does that we know or remember there. */
  keepsWork(site: string): boolean {
    return this.sitesThatKeepWork.has(site);
  }

  /** Whether the work of this executor outlives it, as far as we know. */
  isKeeping(incarnation: string): boolean {
    return this.executors.get(incarnation)?.keepsWork ?? false;
  }

  isAlive(incarnation: string): boolean {
    const known = this.executors.get(incarnation);
    return known !== undefined && this.credible - known.lastHeard <= this.options.patienceMs;
  }

  /** Was heard once and is silent for longer than our patience. What was never heard of is not known to be dead. */
  isDead(incarnation: string): boolean {
    return this.executors.has(incarnation) && !this.isAlive(incarnation);
  }

  alive(site?: string): readonly KnownExecutor[] {
    return [...this.executors.values()].filter(
      (known) => this.isAlive(known.incarnation) && (site === undefined || known.site === site),
    );
  }

  /** A start for it found no queue: it is gone, or about to connect again. */
  missed(incarnation: string): void {
    this.changes++;
    const known = this.executors.get(incarnation);
    if (known !== undefined) known.isUnreachable = true;
  }

  siteOf(incarnation: string): string | undefined {
    return this.executors.get(incarnation)?.site;
  }

  /** Whom to send a start to, see {@link chooseExecutor}; undefined where nobody offers the pool. */
  place(placing: Placing): string | undefined {
    const { handler } = placing;
    const candidates = this.reachable().flatMap((known) => this.candidate(known, placing) ?? []);
    return chooseExecutor(candidates, this.around.rank, handler === undefined ? { turn: this.turn++ } : { handler });
  }

  private candidate(known: KnownExecutor, { site, pool, demand, givenBack: returns }: Placing): Candidate | undefined {
    const offer = known.site === site ? offered(known, pool) : undefined;
    if (offer === undefined || offer.slots <= 0) return undefined;
    const { incarnation, outstandingThen } = known;
    // What was on its way to it when it spoke was not taken off yet.
    const free = Math.min(offer.free.slots, offer.slots - outstandingThen);
    const returned = returns.find(({ by }) => by === incarnation);
    const hasRoomSince = returned !== undefined && known.beats > returned.beats && hasRoom(offer, demand);
    // To be preferred to who has given it back, another has to have room for it.
    const isUntried = returned === undefined && (returns.length === 0 || hasRoom(offer, demand));
    const givenBack = isUntried ? 'never' : returned === undefined || hasRoomSince ? 'once' : 'still';
    return { incarnation, free, placed: this.around.outstandingAt(incarnation) - outstandingThen, givenBack };
  }

  /** Asked for with each start: looked for again only when something may have changed it. */
  private reachable(): readonly KnownExecutor[] {
    if (this.reached?.version !== this.changes) {
      const executors = this.alive().filter(({ isUnreachable }) => !isUnreachable);
      this.reached = { version: this.changes, executors };
    }
    return this.reached.executors;
  }
}

/** Before pools had names of their own everything was handed out to `default`, whatever it was: an attempt of then may be out yet. */
function offered({ pools }: KnownExecutor, pool: string): Beat['pools'][number] | undefined {
  return pools.find(({ name }) => name === pool) ?? (pool === defaultPool ? pools[0] : undefined);
}

function hasRoom({ free }: Beat['pools'][number], { lane, cpu, memory_bytes, gpu }: Demand): boolean {
  const hasSlot = !lane.holdsSlot || free.slots >= 1;
  return hasSlot && cpu <= free.cpu && memory_bytes <= free.memory_bytes && gpu <= free.gpu;
}

/** The same for executions that one worker or pod may serve, apart from what they take of it. */
export function workerKey(project: string, contentHash: string): string {
  return `${project} ${contentHash}`;
}
