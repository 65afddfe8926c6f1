import type { Beat } from '@ryax/contracts';

/** What is known of an executor's process, from its beats. */
export interface KnownExecutor {
  readonly executor: string;
  readonly incarnation: string;
  readonly site: string;
  pools: Beat['pools'];
  /** {@link ExecutorRegistry.credibleMs} when it was last heard. */
  lastHeard: number;
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
  private credible = 0;
  private ownBeatHeardAt: number | undefined;

  constructor(private readonly options: { readonly patienceMs: number; readonly maxGapMs: number }) {}

  get credibleMs(): number {
    return this.credible;
  }

  /** Our own beat came back over the executors' exchange. */
  heardSelf(monotonicMs: number): void {
    if (this.ownBeatHeardAt !== undefined) {
      this.credible += Math.min(monotonicMs - this.ownBeatHeardAt, this.options.maxGapMs);
    }
    this.ownBeatHeardAt = monotonicMs;
    for (const [incarnation, { lastHeard }] of this.executors) {
      if (this.credible - lastHeard > patiencesRemembered * this.options.patienceMs) this.executors.delete(incarnation);
    }
  }

  heard(beat: Beat): void {
    this.executors.set(beat.incarnation, {
      executor: beat.executor,
      incarnation: beat.incarnation,
      site: beat.site,
      pools: beat.pools,
      lastHeard: this.credible,
    });
  }

  /** An executor that others have heard before we listened: it has our patience from now on. */
  presume(known: Omit<KnownExecutor, 'lastHeard'>): void {
    if (!this.executors.has(known.incarnation)) {
      this.executors.set(known.incarnation, { ...known, lastHeard: this.credible });
    }
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

  /** Slots of all live executors that offer the pool. */
  slots(pool: string): number {
    let slots = 0;
    for (const known of this.alive()) slots += known.pools.find((each) => each.name === pool)?.slots ?? 0;
    return slots;
  }

  siteOf(incarnation: string): string | undefined {
    return this.executors.get(incarnation)?.site;
  }

  /** The site to start in: among those with a live executor for the pool, the one with most free slots as last heard. */
  siteFor(pool: string): string | undefined {
    let best: { readonly site: string; readonly free: number } | undefined;
    for (const known of this.alive()) {
      const offered = known.pools.find((each) => each.name === pool);
      if (offered !== undefined && (best === undefined || offered.free.slots > best.free)) {
        best = { site: known.site, free: offered.free.slots };
      }
    }
    return best?.site;
  }

  executorsOf(site: string, pool: string): number {
    return this.alive(site).filter((known) => known.pools.some((each) => each.name === pool)).length;
  }
}
