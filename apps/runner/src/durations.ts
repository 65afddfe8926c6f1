import { weighedHeights, type Heights, type Plan, type PlanEntry } from '@ryax/workflow';

/** A mean over about so many newest ones: what actions take changes with what they are given. */
const window = 10;
/** What each action costs us, however short it is: of two equally long paths, that with more actions goes first. */
const overheadMs = 1;
/** Runs that begin get a new order when a mean is off by this share, and by more than what is noise for short actions. */
const noticedShare = 0.2;
const noticedMs = 5;

/**
 * How long actions took, as this runner has seen it: so that of ready work what has the longest time before it goes first.
 * A hint and no more: nothing but an order follows from it, so that it may differ between runners and is gone with the
 * process (or with the compiled plan). A first run goes by the number of actions instead.
 */
export class Durations {
  private readonly known = new WeakMap<Plan, KnownDurations>();

  /** An attempt of this entry has succeeded after so long. */
  observed(plan: Plan, entry: PlanEntry, durationMs: number): void {
    let known = this.known.get(plan);
    if (known === undefined) {
      known = new KnownDurations(plan);
      this.known.set(plan, known);
    }
    known.observed(entry.number, durationMs);
  }

  /** For a run that is folded now; undefined while nothing is known. */
  heightsOf(plan: Plan): Heights | undefined {
    return this.known.get(plan)?.heights();
  }
}

/** Of one plan, by entry number. */
class KnownDurations {
  private readonly meanMs: Float64Array;
  private readonly seen: Uint8Array;
  /** What the current heights were made of. */
  private readonly usedMs: Float64Array;
  private current: Heights | undefined;

  constructor(private readonly plan: Plan) {
    const count = plan.entries.length;
    this.meanMs = new Float64Array(count);
    this.usedMs = new Float64Array(count).fill(-1);
    this.seen = new Uint8Array(count);
  }

  observed(number: number, durationMs: number): void {
    const count = Math.min((this.seen[number] ?? 0) + 1, window);
    const before = this.meanMs[number] ?? 0;
    const mean = before + (durationMs - before) / count;
    this.seen[number] = count;
    this.meanMs[number] = mean;
    const used = this.usedMs[number] ?? -1;
    if (used < 0 || Math.abs(mean - used) > Math.max(noticedMs, noticedShare * used)) this.current = undefined;
  }

  /** Never changed once given out: runs order their ready work by it. */
  heights(): Heights {
    this.current ??= this.made();
    return this.current;
  }

  /** What was never seen counts as the mean of what was. */
  private made(): Heights {
    const usual = this.usualMs();
    this.meanMs.forEach((mean, number) => (this.usedMs[number] = this.seen[number] === 0 ? -1 : mean));
    return weighedHeights(this.plan, ({ number }) => {
      const mean = this.seen[number] === 0 ? usual : (this.meanMs[number] ?? usual);
      return mean + overheadMs;
    });
  }

  private usualMs(): number {
    let sum = 0;
    let count = 0;
    for (const [number, times] of this.seen.entries()) {
      if (times === 0) continue;
      sum += this.meanMs[number] ?? 0;
      count++;
    }
    return count === 0 ? 0 : sum / count;
  }
}
