import { minus, none, plus, type Amounts } from './amounts';
import type { PodKind, PodState } from './warm-book';

export interface KnownPod<Kind> {
  readonly name: string;
  readonly kind: Kind;
  readonly state: PodState;
  readonly sinceMs: number;
  /** No attempt has had it, nor was it made for one. */
  readonly isPrewarmed: boolean;
}

export interface Waiting<Kind> {
  readonly attempt: string;
  readonly kind: Kind;
  readonly sinceMs: number;
}

/** What there is of one key. */
export interface Shelf<Kind> {
  /** Who was used last is at the end. */
  readonly idle: readonly KnownPod<Kind>[];
  /** Made first, first. */
  readonly starting: ReadonlySet<KnownPod<Kind>>;
  readonly reporting: ReadonlySet<KnownPod<Kind>>;
  /** Who came first, first. */
  readonly waiting: ReadonlyMap<string, Waiting<Kind>>;
  /** In whichever state. */
  readonly pods: number;
}

interface OwnShelf<Kind> extends Shelf<Kind> {
  readonly idle: OwnPod<Kind>[];
  readonly starting: Set<OwnPod<Kind>>;
  readonly reporting: Set<OwnPod<Kind>>;
  readonly waiting: Map<string, Waiting<Kind>>;
  pods: number;
}

interface OwnPod<Kind> extends KnownPod<Kind> {
  readonly shelf: OwnShelf<Kind>;
  state: PodState;
  sinceMs: number;
  isPrewarmed: boolean;
}

interface NewPod {
  readonly state: PodState;
  readonly isPrewarmed: boolean;
  readonly nowMs: number;
}

/** Pods and who waits for one, found by what the book asks: whatever happens to one of them costs the same, be there ten or ten thousand. */
export class WarmIndex<Kind extends PodKind> {
  private readonly byName = new Map<string, OwnPod<Kind>>();
  private readonly byAttempt = new Map<string, Waiting<Kind>>();
  private readonly shelves = new Map<string, OwnShelf<Kind>>();
  private readonly allIdle = new Set<OwnPod<Kind>>();
  private readonly allReporting = new Set<OwnPod<Kind>>();
  private readonly allShort = new Set<OwnShelf<Kind>>();
  private readonly allAmple = new Set<OwnShelf<Kind>>();
  private prewarmed = 0;
  private taken = none;
  private takenAhead = none;

  find(name: string): KnownPod<Kind> | undefined {
    return this.byName.get(name);
  }

  get pods(): Iterable<KnownPod<Kind>> {
    return this.byName.values();
  }

  /** Idle for longest, first. */
  get idle(): ReadonlySet<KnownPod<Kind>> {
    return this.allIdle;
  }

  /** Not reported for longest, first. */
  get reporting(): ReadonlySet<KnownPod<Kind>> {
    return this.allReporting;
  }

  /** Where more wait than pods are on their way. */
  get short(): ReadonlySet<Shelf<Kind>> {
    return this.allShort;
  }

  /** Where more pods are on their way than attempts wait. */
  get ample(): ReadonlySet<Shelf<Kind>> {
    return this.allAmple;
  }

  /** Whether there is one that nobody has had. */
  get hasPrewarmed(): boolean {
    return this.prewarmed > 0;
  }

  /** What all pods take. */
  get used(): Amounts {
    return this.taken;
  }

  /** What those take that nobody has had. */
  get usedAhead(): Amounts {
    return this.takenAhead;
  }

  shelfOf({ key }: PodKind): Shelf<Kind> | undefined {
    return this.shelves.get(key);
  }

  /** @param pod its `nowMs` is never less than before */
  add(name: string, kind: Kind, { state, isPrewarmed, nowMs }: NewPod): void {
    this.remove(name);
    const shelf = this.own(kind);
    const pod: OwnPod<Kind> = { name, kind, state, sinceMs: nowMs, isPrewarmed, shelf };
    shelf.pods++;
    if (isPrewarmed) this.countAhead(1, kind);
    this.taken = plus(this.taken, kind.amounts);
    this.byName.set(name, pod);
    this.put(pod);
  }

  change(name: string, state: PodState, nowMs: number): void {
    const pod = this.byName.get(name);
    if (pod === undefined) return;
    this.take(pod);
    if (state === 'busy' && pod.isPrewarmed) {
      this.countAhead(-1, pod.kind);
      pod.isPrewarmed = false;
    }
    pod.state = state;
    pod.sinceMs = nowMs;
    this.put(pod);
  }

  remove(name: string): void {
    const pod = this.byName.get(name);
    if (pod === undefined) return;
    this.byName.delete(name);
    this.taken = minus(this.taken, pod.kind.amounts);
    pod.shelf.pods--;
    if (pod.isPrewarmed) this.countAhead(-1, pod.kind);
    this.take(pod);
  }

  wait(waiting: Waiting<Kind>): void {
    const shelf = this.own(waiting.kind);
    this.byAttempt.set(waiting.attempt, waiting);
    shelf.waiting.set(waiting.attempt, waiting);
    this.weigh(waiting.kind.key, shelf);
  }

  stopWaiting(attempt: string): void {
    const waiting = this.byAttempt.get(attempt);
    if (waiting === undefined) return;
    const shelf = this.own(waiting.kind);
    this.byAttempt.delete(attempt);
    shelf.waiting.delete(attempt);
    this.weigh(waiting.kind.key, shelf);
  }

  private countAhead(sign: 1 | -1, { amounts }: Kind): void {
    this.prewarmed += sign;
    this.takenAhead = sign === 1 ? plus(this.takenAhead, amounts) : minus(this.takenAhead, amounts);
  }

  private own({ key }: PodKind): OwnShelf<Kind> {
    let shelf = this.shelves.get(key);
    if (shelf === undefined) {
      shelf = { idle: [], starting: new Set(), reporting: new Set(), waiting: new Map(), pods: 0 };
      this.shelves.set(key, shelf);
    }
    return shelf;
  }

  private put(pod: OwnPod<Kind>): void {
    const { shelf, state, kind } = pod;
    if (state === 'idle') {
      shelf.idle.push(pod);
      this.allIdle.add(pod);
    } else if (state === 'reporting') {
      shelf.reporting.add(pod);
      this.allReporting.add(pod);
    } else if (state === 'starting') shelf.starting.add(pod);
    this.weigh(kind.key, shelf);
  }

  private take(pod: OwnPod<Kind>): void {
    const { shelf, kind } = pod;
    // Mostly the last one.
    if (this.allIdle.delete(pod)) shelf.idle.splice(shelf.idle.lastIndexOf(pod), 1);
    if (this.allReporting.delete(pod)) shelf.reporting.delete(pod);
    shelf.starting.delete(pod);
    this.weigh(kind.key, shelf);
  }

  private weigh(key: string, shelf: OwnShelf<Kind>): void {
    const { waiting, starting, pods } = shelf;
    belongs(this.allShort, shelf, waiting.size > starting.size);
    belongs(this.allAmple, shelf, starting.size > waiting.size);
    if (pods === 0 && waiting.size === 0) this.shelves.delete(key);
  }
}

function belongs<T>(set: Set<T>, value: T, isMember: boolean): void {
  if (!isMember) set.delete(value);
  else set.add(value);
}
