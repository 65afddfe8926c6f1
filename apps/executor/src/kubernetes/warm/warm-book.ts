import { fits, none, plus, type Amounts } from './amounts';

/** What pods are alike by: one serves every attempt of its key, and no other. */
export interface PodKind {
  readonly key: string;
  /** What a pod of it takes of the pool. */
  readonly amounts: Amounts;
}

export interface WarmRules {
  /** A pod without work for so long is removed; 0: at once. */
  readonly idleMs: number;
  /** So long an attempt waits for the pod of one that has ended, or for its room, before another pod is made. */
  readonly reportingMs: number;
  /** A pod whose attempt could not be reported for so long is removed. */
  readonly unreportedMs: number;
}

/** What is to be done, in this order. */
export type Order<Kind extends PodKind> =
  | { readonly type: 'run'; readonly attempt: string; readonly pod: string }
  | { readonly type: 'create'; readonly pod: string; readonly kind: Kind }
  /** As `create`, of one that nobody has asked for yet. */
  | { readonly type: 'prewarm'; readonly pod: string; readonly kind: Kind }
  | { readonly type: 'remove'; readonly pod: string }
  /** No pod could be made for it, and none is on its way. */
  | { readonly type: 'fail'; readonly attempt: string };

/**
 * `unknown` of one that another executor has made, until it has said what it runs; `starting` until its server has answered, `busy` while an attempt runs, `reporting` until the outcome of that is with the broker, as a
 * successor would need it until then; `idle` otherwise.
 */
export type PodState = 'unknown' | 'starting' | 'busy' | 'reporting' | 'idle';

interface Pod<Kind> {
  readonly name: string;
  readonly kind: Kind;
  state: PodState;
  sinceMs: number;
  /** No attempt has had it, nor was it made for one. */
  isPrewarmed: boolean;
}

interface Waiting<Kind> {
  readonly attempt: string;
  readonly kind: Kind;
  readonly sinceMs: number;
}

/**
 * Which attempt gets which pod, when another one is made, and which has to go.
 *
 * - An attempt was admitted before it comes here, so there is room for it: it takes an idle pod of its kind (the one used last, so that
 *   what is not needed comes to the end of its time), or the first that becomes free. So many pods are on their way as attempts wait.
 * - All pods together take no more than the capacity, nor do pods which are not ours to keep (`occupy`): where room is wanted, those that have
 *   been idle for longest go first, then those on their way that nobody waits for. What was admitted runs in any case.
 * - A pod that may be wanted soon is made ahead only beside all others, and before any of them gives way to whoever wants room. Who comes
 *   meanwhile takes it; should it not become ready, that is not their failure, and they get another.
 *
 * Pure but for its own state: time comes in, orders go out.
 */
export class WarmBook<Kind extends PodKind> {
  private readonly pods = new Map<string, Pod<Kind>>();
  private readonly others = new Map<string, Amounts>();
  private waiting: Waiting<Kind>[] = [];
  private orders: Order<Kind>[] = [];

  /** @param newName of a pod to be made */
  constructor(
    private capacity: Amounts,
    private readonly rules: WarmRules,
    private readonly newName: () => string,
  ) {}

  /** An attempt wants a pod. */
  request(attempt: string, kind: Kind, nowMs: number): readonly Order<Kind>[] {
    this.waiting.push({ attempt, kind, sinceMs: nowMs });
    return this.settleUp(nowMs);
  }

  /** It does not want one any more. What was made for it stays, for others. */
  withdraw(attempt: string, nowMs: number): readonly Order<Kind>[] {
    this.waiting = this.waiting.filter((each) => each.attempt !== attempt);
    return this.settleUp(nowMs);
  }

  /** An attempt of this kind may come soon. Nothing is done where a pod of the kind is there, or no room that is nobody's. */
  prewarm(kind: Kind, nowMs: number): readonly Order<Kind>[] {
    if (!this.has(kind) && fits(plus(this.wanted, kind.amounts), this.capacity)) {
      this.orders.push({ type: 'prewarm', pod: this.start(kind, nowMs, true), kind });
    }
    return this.settleUp(nowMs);
  }

  /** A pod that another executor has made. It counts, whether there is room or not, and stays until it has said what it runs. */
  add(pod: string, kind: Kind, nowMs: number): readonly Order<Kind>[] {
    this.pods.set(pod, { name: pod, kind, state: 'unknown', sinceMs: nowMs, isPrewarmed: false });
    return this.settleUp(nowMs);
  }

  /** `busy` only of a pod that was unknown: its attempt runs already. */
  becomes(pod: string, state: 'busy' | 'reporting' | 'idle', nowMs: number): readonly Order<Kind>[] {
    const found = this.pods.get(pod);
    if (found === undefined) return [];
    found.state = state;
    found.sinceMs = nowMs;
    return this.settleUp(nowMs);
  }

  /** It is no pod of ours any more; where it could not be made, whoever is left without one fails. */
  gone(pod: string, nowMs: number): readonly Order<Kind>[] {
    const found = this.pods.get(pod);
    this.pods.delete(pod);
    if (found?.state === 'starting' && !found.isPrewarmed) this.failOneWithout(found.kind);
    return this.settleUp(nowMs);
  }

  /** Another one has taken the pod over, with nothing to blame it for: who waits gets another. */
  left(pod: string, nowMs: number): readonly Order<Kind>[] {
    this.pods.delete(pod);
    return this.settleUp(nowMs);
  }

  /** Something else takes room, and was admitted. */
  occupy(other: string, amounts: Amounts, nowMs: number): readonly Order<Kind>[] {
    this.others.set(other, amounts);
    return this.settleUp(nowMs);
  }

  release(other: string, nowMs: number): readonly Order<Kind>[] {
    this.others.delete(other);
    return this.settleUp(nowMs);
  }

  resize(capacity: Amounts, nowMs: number): readonly Order<Kind>[] {
    this.capacity = capacity;
    return this.settleUp(nowMs);
  }

  /** To be called about once a second. */
  tick(nowMs: number): readonly Order<Kind>[] {
    return this.settleUp(nowMs);
  }

  /** Whether a pod of this kind is there, or on its way. */
  has({ key }: PodKind): boolean {
    return [...this.pods.values()].some(({ kind }) => kind.key === key);
  }

  /** Whether it was made ahead, and nobody has had it yet. */
  isPrewarmed(pod: string): boolean {
    return this.pods.get(pod)?.isPrewarmed === true;
  }

  /** Whether an attempt waits that could have it. */
  isWaitedFor(pod: string): boolean {
    const found = this.pods.get(pod);
    return found !== undefined && this.waiting.some(({ kind }) => kind.key === found.kind.key);
  }

  stateOf(pod: string): PodState | undefined {
    return this.pods.get(pod)?.state;
  }

  count(state: PodState): number {
    return [...this.pods.values()].filter((pod) => pod.state === state).length;
  }

  /** What all pods and others take. */
  get used(): Amounts {
    const pods = [...this.pods.values()].map(({ kind }) => kind.amounts);
    return [...pods, ...this.others.values()].reduce(plus, none);
  }

  /** The same, with the pods that have yet to be made for those that wait. */
  private get wanted(): Amounts {
    const starting = this.countByKey('starting');
    const without = this.waiting.filter(({ kind }) => !taken(starting, kind.key));
    return without.reduce((sum, { kind }) => plus(sum, kind.amounts), this.used);
  }

  private settleUp(nowMs: number): readonly Order<Kind>[] {
    this.assign(nowMs);
    this.createMissing(nowMs);
    this.makeRoom(none);
    this.shrink(nowMs);
    return this.orders.splice(0);
  }

  private assign(nowMs: number): void {
    this.waiting = this.waiting.filter(({ attempt, kind }) => {
      const pod = this.idleOf(kind.key);
      if (pod === undefined) return true;
      pod.state = 'busy';
      pod.sinceMs = nowMs;
      pod.isPrewarmed = false;
      this.orders.push({ type: 'run', attempt, pod: pod.name });
      return false;
    });
  }

  /** The one used last. */
  private idleOf(key: string): Pod<Kind> | undefined {
    let last: Pod<Kind> | undefined;
    for (const pod of this.pods.values()) {
      if (pod.state !== 'idle' || pod.kind.key !== key) continue;
      if (last === undefined || pod.sinceMs >= last.sinceMs) last = pod;
    }
    return last;
  }

  /** What is on its way counts for those who have waited longest. */
  private createMissing(nowMs: number): void {
    const starting = this.countByKey('starting');
    const reporting = this.countByKey('reporting');
    const isReporting = reporting.size > 0;
    for (const { kind, sinceMs } of this.waiting) {
      const isPatient = nowMs - sinceMs < this.rules.reportingMs;
      if (taken(starting, kind.key) || (isPatient && taken(reporting, kind.key))) continue;
      // What was admitted in place of an attempt that has ended may find its pod still there.
      const hasRoom = this.makeRoom(kind.amounts);
      if (!hasRoom && isPatient && isReporting) continue;
      this.orders.push({ type: 'create', pod: this.start(kind, nowMs, false), kind });
    }
  }

  private countByKey(state: PodState): Map<string, number> {
    const counts = new Map<string, number>();
    for (const pod of this.pods.values()) {
      if (pod.state === state) counts.set(pod.kind.key, (counts.get(pod.kind.key) ?? 0) + 1);
    }
    return counts;
  }

  private start(kind: Kind, nowMs: number, isPrewarmed: boolean): string {
    const name = this.newName();
    this.pods.set(name, { name, kind, state: 'starting', sinceMs: nowMs, isPrewarmed });
    return name;
  }

  /** Whether there is room for so much more, be it that others had to go. */
  private makeRoom(amounts: Amounts): boolean {
    const hasRoom = () => fits(plus(this.used, amounts), this.capacity);
    if (hasRoom()) return true;
    for (const pod of this.dispensable()) {
      this.remove(pod);
      if (hasRoom()) return true;
    }
    return false;
  }

  /** Whom nobody needs: those first that nobody has ever used; then the least recently used first, and last what is on its way. */
  private dispensable(): readonly Pod<Kind>[] {
    const pods = [...this.pods.values()];
    const idle = pods.filter(({ state }) => state === 'idle').sort((one, other) => one.sinceMs - other.sinceMs);
    const wanted = new Map<string, number>();
    for (const { kind } of this.waiting) wanted.set(kind.key, (wanted.get(kind.key) ?? 0) + 1);
    const surplus = pods.filter(({ state, kind }) => state === 'starting' && !taken(wanted, kind.key));
    const unneeded = [...idle, ...surplus];
    return [...unneeded.filter((pod) => pod.isPrewarmed), ...unneeded.filter((pod) => !pod.isPrewarmed)];
  }

  private shrink(nowMs: number): void {
    for (const pod of [...this.pods.values()]) {
      const sinceMs = nowMs - pod.sinceMs;
      const isOver = pod.state === 'idle' && sinceMs >= this.rules.idleMs;
      const isForgotten = pod.state === 'reporting' && sinceMs >= this.rules.unreportedMs;
      if (isOver || isForgotten) this.remove(pod);
    }
  }

  private remove({ name }: Pod<Kind>): void {
    this.pods.delete(name);
    this.orders.push({ type: 'remove', pod: name });
  }

  private failOneWithout({ key }: Kind): void {
    const waiting = this.waiting.filter(({ kind }) => kind.key === key);
    const [first] = waiting;
    const coming = (this.countByKey('starting').get(key) ?? 0) + (this.countByKey('reporting').get(key) ?? 0);
    if (first === undefined || waiting.length <= coming) return;
    this.waiting = this.waiting.filter((each) => each !== first);
    this.orders.push({ type: 'fail', attempt: first.attempt });
  }
}

/** Takes one where there is one. */
function taken(counts: Map<string, number>, key: string): boolean {
  const count = counts.get(key) ?? 0;
  if (count > 0) counts.set(key, count - 1);
  return count > 0;
}
