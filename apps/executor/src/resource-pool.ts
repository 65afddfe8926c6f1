/** What a pool has and an execution asks. A built-in asks nothing; everything else one slot at least. */
export interface Amounts {
  /** Executions at once. */
  readonly slots: number;
  /** Cores. */
  readonly cpu: number;
  readonly memory_bytes: number;
  readonly gpu: number;
}

export interface PoolRules {
  /** How many may wait here; what comes on top is refused, so that the runner keeps it. */
  readonly waitingLimit: number;
  /** How often one that waits may be passed by one that came later and would have delayed it. */
  readonly overtakingLimit: number;
  /** One that was passed and has waited this long is passed no more. */
  readonly reserveAfterMs: number;
  /** One that waited this long without being passed is given back: another executor may have room. */
  readonly patienceMs: number;
}

/** One resource of which more is asked than the whole pool has. */
export interface Shortfall {
  readonly resource: keyof Amounts;
  readonly asked: number;
  readonly available: number;
}

/** What came of an offer; others that waited may have been admitted before it. */
export type Offer = 'admitted' | 'waiting' | 'full';

interface Waiting<Id> {
  readonly id: Id;
  readonly asked: Amounts;
  readonly sinceMs: number;
  overtaken: number;
}

const resources = ['slots', 'cpu', 'memory_bytes', 'gpu'] as const;

/**
 * Who of those that were handed out may start now. First come, first served, except that a small one may pass a large one
 * that does not fit yet. That has a bound: after `overtakingLimit` passes, or one pass and `reserveAfterMs`, the large one
 * *reserves*: later ones still pass it, but only where that cannot delay it (CPU work goes on while it waits for a GPU).
 *
 * Pure but for its own state: time comes in, decisions go out.
 */
export class ResourcePool<Id> {
  private readonly admitted = new Map<Id, Amounts>();
  private waiting: Waiting<Id>[] = [];
  private readonly used = { slots: 0, cpu: 0, memory_bytes: 0, gpu: 0 };
  private readonly largest: Amounts;
  private capacity: Amounts;

  /** @param largest the most that one execution can ever have, whatever becomes of the capacity */
  constructor(
    capacity: Amounts,
    private readonly rules: PoolRules,
    largest: Amounts = capacity,
  ) {
    this.capacity = inUnits(capacity);
    this.largest = inUnits(largest);
  }

  /** From now on there is so much; what runs goes on. More may {@link admit} some that wait. */
  resize(capacity: Amounts): void {
    this.capacity = inUnits(capacity);
  }

  /** Why it can never run here; empty when it can. */
  shortfalls(asked: Amounts): Shortfall[] {
    const units = inUnits(asked);
    return resources
      .filter((resource) => units[resource] > this.largest[resource])
      .map((resource) => ({
        resource,
        asked: asked[resource],
        available: outOfUnits(this.largest)[resource],
      }));
  }

  /** An execution asks to start. When it has to wait, {@link admit} gives it out later. */
  offer(id: Id, asked: Amounts, nowMs: number): Offer {
    const entry: Waiting<Id> = { id, asked: inUnits(asked), sinceMs: nowMs, overtaken: 0 };
    if (this.mayStart(entry, this.waiting.length, nowMs)) {
      this.start(entry, this.waiting);
      return 'admitted';
    }
    if (this.waiting.length >= this.rules.waitingLimit) return 'full';
    this.waiting.push(entry);
    return 'waiting';
  }

  /** One that runs already takes what it has, be it more than there is. */
  occupy(id: Id, asked: Amounts): void {
    this.start({ id, asked: inUnits(asked), sinceMs: 0, overtaken: 0 }, []);
  }

  /** Those that waited and may start now, in the order of their arrival. To be asked after each end. */
  admit(nowMs: number): Id[] {
    const started: Id[] = [];
    for (let index = 0; index < this.waiting.length;) {
      const entry = this.waiting[index];
      if (entry === undefined || !this.mayStart(entry, index, nowMs)) {
        index++;
        continue;
      }
      this.waiting.splice(index, 1);
      this.start(entry, this.waiting.slice(0, index));
      started.push(entry.id);
    }
    return started;
  }

  /** One has ended (or gave up waiting): what it held is free. */
  release(id: Id): void {
    const asked = this.admitted.get(id);
    if (asked !== undefined && this.admitted.delete(id)) {
      for (const resource of resources) this.used[resource] -= asked[resource];
    }
    this.waiting = this.waiting.filter((entry) => entry.id !== id);
  }

  /** Takes out those whose patience has ended. One that holds a reservation stays: elsewhere it would have none. */
  impatient(nowMs: number): Id[] {
    const leaving = this.waiting.filter(
      (entry) => nowMs - entry.sinceMs >= this.rules.patienceMs && !this.hasReservation(entry, nowMs),
    );
    this.waiting = this.waiting.filter((entry) => !leaving.includes(entry));
    return leaving.map(({ id }) => id);
  }

  get free(): Amounts {
    return outOfUnits(eachOf((resource) => Math.max(0, this.capacity[resource] - this.used[resource])));
  }

  /** What there is; where more runs, so much. */
  get size(): Amounts {
    return outOfUnits(eachOf((resource) => Math.max(this.capacity[resource], this.used[resource])));
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** @param ahead how many of the waiting came before it */
  private mayStart({ asked }: Waiting<Id>, ahead: number, nowMs: number): boolean {
    const free = this.freeUnits();
    if (resources.some((resource) => asked[resource] > free[resource])) return false;
    return this.waiting.every(
      (other, index) => index >= ahead || !this.hasReservation(other, nowMs) || !delays(asked, other.asked, free),
    );
  }

  private start({ id, asked }: Waiting<Id>, passed: readonly Waiting<Id>[]): void {
    const free = this.freeUnits();
    for (const other of passed) if (delays(asked, other.asked, free)) other.overtaken++;
    this.admitted.set(id, asked);
    for (const resource of resources) this.used[resource] += asked[resource];
  }

  private hasReservation({ overtaken, sinceMs }: Waiting<Id>, nowMs: number): boolean {
    const { overtakingLimit, reserveAfterMs } = this.rules;
    return overtaken >= overtakingLimit || (overtaken > 0 && nowMs - sinceMs >= reserveAfterMs);
  }

  private freeUnits(): Amounts {
    return eachOf((resource) => this.capacity[resource] - this.used[resource]);
  }
}

/** Whether starting the one takes something that the other needs: what is left would not be enough for it. */
function delays(one: Amounts, other: Amounts, free: Amounts): boolean {
  return resources.some((resource) => one[resource] > 0 && free[resource] - one[resource] < other[resource]);
}

function eachOf(amount: (resource: keyof Amounts) => number): Amounts {
  return { slots: amount('slots'), cpu: amount('cpu'), memory_bytes: amount('memory_bytes'), gpu: amount('gpu') };
}

/** Thousandths of a core and of a GPU, whole bytes: sums of fractions such as 0.1 would drift. */
function inUnits({ slots, cpu, memory_bytes, gpu }: Amounts): Amounts {
  return { slots, cpu: Math.round(cpu * 1000), memory_bytes: Math.ceil(memory_bytes), gpu: Math.round(gpu * 1000) };
}

function outOfUnits({ slots, cpu, memory_bytes, gpu }: Amounts): Amounts {
  return { slots, cpu: cpu / 1000, memory_bytes, gpu: gpu / 1000 };
}
