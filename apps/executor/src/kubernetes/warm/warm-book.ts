import { fits, minus, none, plus, times, type Amounts } from './amounts';
import { WarmIndex, type KnownPod, type Shelf, type Waiting } from './warm-index';

/** Of what is free beside all that is there for somebody, pods made ahead take no more than this part. */
const partAhead = 0.5;

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

/**
 * Which attempt gets which pod, when another one is made, and which has to go.
 *
 * - An attempt was admitted before it comes here, so there is room for it: it takes an idle pod of its kind (the one used last, so that
 *   what is not needed comes to the end of its time), or the first that becomes free. So many pods are on their way as attempts wait.
 * - All pods together take no more than the capacity, nor do pods which are not ours to keep (`occupy`): where room is wanted, those that have
 *   been idle for longest go first, then those on their way that nobody waits for. What was admitted runs in any case.
 * - Pods that may be wanted soon are made ahead only beside all others, in half of what these leave free, and give way before any of them to
 *   whoever wants room. Who comes meanwhile takes one; should it not become ready, that is not their failure, and they get another.
 *
 * Pure but for its own state: time comes in, orders go out.
 */
export class WarmBook<Kind extends PodKind> {
  private readonly index = new WarmIndex<Kind>();
  private readonly others = new Map<string, Amounts>();
  private usedByOthers = none;
  private orders: Order<Kind>[] = [];

  /** @param newName of a pod to be made */
  constructor(
    private capacity: Amounts,
    private readonly rules: WarmRules,
    private readonly newName: () => string,
  ) {}

  /** An attempt wants a pod. */
  request(attempt: string, kind: Kind, nowMs: number): readonly Order<Kind>[] {
    this.index.wait({ attempt, kind, sinceMs: nowMs });
    return this.settleUp(nowMs, kind);
  }

  /** It does not want one any more. What was made for it stays, for others. */
  withdraw(attempt: string, nowMs: number): readonly Order<Kind>[] {
    this.index.stopWaiting(attempt);
    return this.settleUp(nowMs);
  }

  /** An attempt of this kind may come soon. Nothing is done where a pod of the kind is there, or too little room that is nobody's. */
  prewarm(kind: Kind, nowMs: number): readonly Order<Kind>[] {
    if (!this.has(kind) && this.hasRoomAhead(kind.amounts)) {
      this.orders.push({ type: 'prewarm', pod: this.start(kind, nowMs, true), kind });
    }
    return this.settleUp(nowMs);
  }

  /** A pod that another executor has made. It counts, whether there is room or not, and stays until it has said what it runs. */
  add(pod: string, kind: Kind, nowMs: number): readonly Order<Kind>[] {
    this.index.add(pod, kind, { state: 'unknown', isPrewarmed: false, nowMs });
    return this.settleUp(nowMs);
  }

  /** `busy` only of a pod that was unknown: its attempt runs already. */
  becomes(pod: string, state: 'busy' | 'reporting' | 'idle', nowMs: number): readonly Order<Kind>[] {
    const found = this.index.find(pod);
    if (found === undefined) return [];
    this.index.change(pod, state, nowMs);
    return this.settleUp(nowMs, found.kind);
  }

  /** It is no pod of ours any more; where it could not be made, whoever is left without one fails. */
  gone(pod: string, nowMs: number): readonly Order<Kind>[] {
    const found = this.index.find(pod);
    this.index.remove(pod);
    if (found?.state === 'starting' && !found.isPrewarmed) this.failOneWithout(found.kind);
    return this.settleUp(nowMs);
  }

  /** Another one has taken the pod over, with nothing to blame it for: who waits gets another. */
  left(pod: string, nowMs: number): readonly Order<Kind>[] {
    this.index.remove(pod);
    return this.settleUp(nowMs);
  }

  /** Something else takes room, and was admitted. */
  occupy(other: string, amounts: Amounts, nowMs: number): readonly Order<Kind>[] {
    this.vacate(other);
    this.others.set(other, amounts);
    this.usedByOthers = plus(this.usedByOthers, amounts);
    return this.settleUp(nowMs);
  }

  release(other: string, nowMs: number): readonly Order<Kind>[] {
    this.vacate(other);
    return this.settleUp(nowMs);
  }

  resize(capacity: Amounts, nowMs: number): readonly Order<Kind>[] {
    this.capacity = capacity;
    return this.settleUp(nowMs);
  }

  /** Whoever waits for a node, of whichever book, goes before what was made ahead: all of it goes that nobody has had, nor waits for. */
  giveWay(nowMs: number): readonly Order<Kind>[] {
    for (const pod of this.unusedAhead()) this.remove(pod);
    return this.settleUp(nowMs);
  }

  /** Whether there is a pod that was made ahead, and nobody has had. */
  get hasPrewarmed(): boolean {
    return this.index.hasPrewarmed;
  }

  /** To be called about once a second. */
  tick(nowMs: number): readonly Order<Kind>[] {
    return this.settleUp(nowMs);
  }

  /** Whether a pod of this kind is there, or on its way. */
  has(kind: PodKind): boolean {
    return (this.index.shelfOf(kind)?.pods ?? 0) > 0;
  }

  /** Whether it was made ahead, and nobody has had it yet. */
  isPrewarmed(pod: string): boolean {
    return this.index.find(pod)?.isPrewarmed === true;
  }

  /** Whether an attempt waits that could have it. */
  isWaitedFor(pod: string): boolean {
    const found = this.index.find(pod);
    return found !== undefined && (this.index.shelfOf(found.kind)?.waiting.size ?? 0) > 0;
  }

  stateOf(pod: string): PodState | undefined {
    return this.index.find(pod)?.state;
  }

  /** For people: looks at all of them. */
  count(state: PodState): number {
    return [...this.index.pods].filter((pod) => pod.state === state).length;
  }

  /** What all pods and others take. */
  get used(): Amounts {
    return plus(this.index.used, this.usedByOthers);
  }

  /** The same, with the pods that have yet to be made for those that wait. */
  private get wanted(): Amounts {
    const without = [...this.index.short].flatMap(({ waiting, starting }) =>
      [...waiting.values()].slice(starting.size),
    );
    return without.reduce((sum, { kind }) => plus(sum, kind.amounts), this.used);
  }

  /**
   * What nobody has asked for takes a part of what is free, so that whoever comes finds room that is free at once: a node has it then, too, and
   * no pod has to be gone from it before.
   */
  private hasRoomAhead(amounts: Amounts): boolean {
    const ahead = this.index.usedAhead;
    const free = minus(this.capacity, minus(this.wanted, ahead));
    return fits(plus(ahead, amounts), times(free, partAhead));
  }

  private vacate(other: string): void {
    this.usedByOthers = minus(this.usedByOthers, this.others.get(other) ?? none);
    this.others.delete(other);
  }

  /** @param changed who may have both a pod that is idle, and an attempt that waits for it */
  private settleUp(nowMs: number, changed?: Kind): readonly Order<Kind>[] {
    if (changed !== undefined) this.assign(changed, nowMs);
    for (const shelf of [...this.index.short]) this.createMissing(shelf, nowMs);
    this.makeRoom(none);
    this.shrink(nowMs);
    return this.orders.splice(0);
  }

  /** To who came first, the pod that was used last. */
  private assign(kind: Kind, nowMs: number): void {
    for (;;) {
      const shelf = this.index.shelfOf(kind);
      const [attempt] = shelf?.waiting.keys() ?? [];
      const pod = shelf?.idle.at(-1);
      if (attempt === undefined || pod === undefined) return;
      this.index.stopWaiting(attempt);
      this.index.change(pod.name, 'busy', nowMs);
      this.orders.push({ type: 'run', attempt, pod: pod.name });
    }
  }

  /** What is on its way counts for those who have waited longest. */
  private createMissing({ waiting, starting, reporting }: Shelf<Kind>, nowMs: number): void {
    const arePatient = ([first]: Iterable<Waiting<Kind>>) => first === undefined || this.isPatient(first, nowMs);
    if (waiting.size - starting.size <= reporting.size && arePatient(waiting.values())) return;
    let awaited = reporting.size;
    for (const each of [...waiting.values()].slice(starting.size)) {
      const isPatient = this.isPatient(each, nowMs);
      if (isPatient && awaited-- > 0) continue;
      // What was admitted in place of an attempt that has ended may find its pod still there.
      const hasRoom = this.makeRoom(each.kind.amounts);
      // Who came later is as patient, and finds no more room.
      if (!hasRoom && isPatient && this.index.reporting.size > 0) return;
      this.orders.push({ type: 'create', pod: this.start(each.kind, nowMs, false), kind: each.kind });
    }
  }

  private isPatient({ sinceMs }: Waiting<Kind>, nowMs: number): boolean {
    return nowMs - sinceMs < this.rules.reportingMs;
  }

  private start(kind: Kind, nowMs: number, isPrewarmed: boolean): string {
    const name = this.newName();
    this.index.add(name, kind, { state: 'starting', isPrewarmed, nowMs });
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
  private *dispensable(): Iterable<KnownPod<Kind>> {
    yield* this.unusedAhead();
    yield* this.index.idle;
    yield* this.surplus();
  }

  private *unusedAhead(): Iterable<KnownPod<Kind>> {
    if (!this.index.hasPrewarmed) return;
    for (const pod of this.index.idle) if (pod.isPrewarmed) yield pod;
    for (const pod of this.surplus()) if (pod.isPrewarmed) yield pod;
  }

  /** On their way, and nobody waits for them. */
  private *surplus(): Iterable<KnownPod<Kind>> {
    for (const { starting, waiting } of [...this.index.ample]) yield* [...starting].slice(waiting.size);
  }

  private shrink(nowMs: number): void {
    const removeSince = (pods: Iterable<KnownPod<Kind>>, ms: number) => {
      for (const pod of pods) {
        if (nowMs - pod.sinceMs < ms) return;
        this.remove(pod);
      }
    };
    removeSince(this.index.idle, this.rules.idleMs);
    removeSince(this.index.reporting, this.rules.unreportedMs);
  }

  private remove({ name }: KnownPod<Kind>): void {
    this.index.remove(name);
    this.orders.push({ type: 'remove', pod: name });
  }

  private failOneWithout(kind: Kind): void {
    const shelf = this.index.shelfOf(kind);
    const [first] = shelf?.waiting.keys() ?? [];
    if (shelf === undefined || first === undefined) return;
    if (shelf.waiting.size <= shelf.starting.size + shelf.reporting.size) return;
    this.index.stopWaiting(first);
    this.orders.push({ type: 'fail', attempt: first });
  }
}
