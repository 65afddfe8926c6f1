import fc from 'fast-check';
import { ResourcePool, type Amounts, type PoolRules } from './resource-pool';

const rules: PoolRules = { waitingLimit: 1_000, overtakingLimit: 3, reserveAfterMs: 5_000, patienceMs: Infinity };
const capacity: Amounts = { slots: 4, cpu: 4, memory_bytes: 1000, gpu: 1 };
const resources = ['slots', 'cpu', 'memory_bytes', 'gpu'] as const;

type Step =
  | { readonly type: 'offer'; readonly asked: Amounts }
  | { readonly type: 'end'; readonly which: number }
  | { readonly type: 'pass'; readonly ms: number };

const amounts: fc.Arbitrary<Amounts> = fc.record({
  slots: fc.constant(1),
  // Eighths are exact in floating point, so that the model below may add them up as they are.
  cpu: fc.integer({ min: 0, max: 32 }).map((eighths) => eighths / 8),
  memory_bytes: fc.integer({ min: 0, max: 1000 }),
  gpu: fc.constantFrom(0, 0, 0.5, 1),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: amounts.map((asked) => ({ type: 'offer', asked }) as const) },
  { weight: 2, arbitrary: fc.nat(10).map((which) => ({ type: 'end', which }) as const) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3_000 }).map((ms) => ({ type: 'pass', ms }) as const) },
);
const steps = fc.array(step, { maxLength: 120 });

/** Plays a pool, and watches it with bookkeeping of its own. */
class Play {
  readonly pool = new ResourcePool<number>(capacity, rules);
  readonly waiting: number[] = [];
  mostDelayed = 0;
  private readonly asked: Amounts[] = [];
  private readonly delays = new Map<number, number>();
  private running: number[] = [];
  private nowMs = 0;

  take(each: Step): void {
    switch (each.type) {
      case 'pass':
        this.nowMs += each.ms;
        return;
      case 'end':
        return this.end(each.which);
      case 'offer': {
        const id = this.asked.push(each.asked) - 1;
        if (this.pool.offer(id, each.asked, this.nowMs) === 'admitted') this.started(id);
        else this.waiting.push(id);
        return;
      }
      default:
        return each satisfies never;
    }
  }

  /** Ends what runs, until nothing does. */
  finish(): void {
    while (this.running.length > 0) this.end(0);
  }

  get free(): Amounts {
    const left = (resource: keyof Amounts) =>
      this.running.reduce((sum, id) => sum - this.amount(id, resource), capacity[resource]);
    return { slots: left('slots'), cpu: left('cpu'), memory_bytes: left('memory_bytes'), gpu: left('gpu') };
  }

  private end(which: number): void {
    const id = this.running[which % Math.max(1, this.running.length)];
    if (id === undefined) return;
    this.running = this.running.filter((other) => other !== id);
    this.pool.release(id);
    for (const admitted of this.pool.admit(this.nowMs)) {
      this.waiting.splice(this.waiting.indexOf(admitted), 1);
      this.started(admitted);
    }
  }

  /** Notes whom it passed and left with less than they need, having taken some of it. */
  private started(id: number): void {
    this.running.push(id);
    const { free } = this;
    for (const older of this.waiting.filter((other) => other < id)) {
      const isDelayed = resources.some(
        (resource) => this.amount(id, resource) > 0 && free[resource] < this.amount(older, resource),
      );
      if (!isDelayed) continue;
      const times = (this.delays.get(older) ?? 0) + 1;
      this.delays.set(older, times);
      this.mostDelayed = Math.max(this.mostDelayed, times);
    }
  }

  private amount(id: number, resource: keyof Amounts): number {
    return this.asked[id]?.[resource] ?? 0;
  }
}

describe('resource pool, whatever comes and ends in whatever order', () => {
  it('never gives more than it has', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const play = new Play();
        for (const each of all) {
          play.take(each);
          for (const resource of resources) expect(play.free[resource]).toBeGreaterThanOrEqual(0);
          expect(play.pool.free).toEqual(play.free);
        }
      }),
    );
  });

  it('starts everybody once enough has ended, and is then empty', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const play = new Play();
        for (const each of all) play.take(each);
        play.finish();
        expect(play.waiting).toEqual([]);
        expect(play.pool.free).toEqual(capacity);
      }),
    );
  });

  it('lets nobody be delayed by more newcomers than the bound', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const play = new Play();
        for (const each of all) play.take(each);
        expect(play.mostDelayed).toBeLessThanOrEqual(rules.overtakingLimit);
      }),
      { numRuns: 500 },
    );
  });
});
