import { setMaxListeners } from 'node:events';
import type { V1Pod } from '@kubernetes/client-node';
import { wait, LinkedSignal, type Clock, type Log, type Owner } from '@ryax/platform';
import { Remembered } from '../remembered';
import type { KnownPods } from './cluster/known-pods';
import type { PodApi } from './cluster/pod-api';
import { adopterOf, isLeft, leaversAmong, ownerOf } from './ownership';
import { takeOver, type Created } from './pod-creation';
import type { PodRemoval } from './pod-removal';
import { StrayPods } from './stray-pods';

export interface AdoptionParts {
  readonly api: PodApi;
  readonly pods: KnownPods;
  readonly owner: Owner;
  readonly removal: PodRemoval;
  readonly clock: Clock;
  readonly log: Log;
  readonly incarnation: string;
  /** Whether something of ours is being done with the pod of that name. */
  readonly isHeld: (name: string) => boolean;
  /** Whether it says all that one needs to answer for it. */
  readonly isKnowable: (pod: V1Pod) => boolean;
  /** Answers for a pod that is labelled as ours. It counts as being adopted until then. */
  readonly adopted: (pod: V1Pod, signal: AbortSignal) => Promise<void>;
}

/** Pods that were deleted since nobody can adopt them: longer than a grace, after which one that is still there is tried again. */
const mostNobodys = 1_000;
const nobodysForMs = 600_000;
/** When we leave, a take-over that is on its way is waited for, as it may be done already: no longer, though. */
const leavingMs = 3_000;
/** Before a pod is adopted that the cluster has not let us adopt: we hear of it each second. */
const refusedForMs = 15_000;

/** Takes over what executors that are gone have left, and removes what belongs to nobody. */
export class PodAdoption {
  private readonly underway = new Map<string, V1Pod>();
  private readonly takeOvers = new Map<string, Promise<V1Pod | undefined>>();
  private readonly givingUp = new AbortController();
  private isLeaving = false;
  private readonly strays = new StrayPods();
  private readonly nobodys = new Remembered(mostNobodys, nobodysForMs);

  constructor(private readonly parts: AdoptionParts) {
    // Each take-over waits for it.
    setMaxListeners(0, this.givingUp.signal);
  }

  /** These executors live, ourselves included: what belongs to none of them may become ours. */
  alive(incarnations: readonly string[]): void {
    if (this.isLeaving) return;
    const { incarnation, pods, clock } = this.parts;
    const leavers = leaversAmong(pods.all());
    const heirs = incarnations.filter((each) => !leavers.has(each));
    for (const pod of pods.all()) {
      const owner = ownerOf(pod) ?? '';
      const uid = pod.metadata?.uid ?? '';
      if (owner === incarnation || incarnations.includes(owner) || this.underway.has(uid)) continue;
      if (this.nobodys.has(uid, clock.monotonicMs())) continue;
      if (adopterOf(uid, heirs) === incarnation) this.begin(pod, uid);
    }
    this.removeStrays();
  }

  /** It is or was something of ours: no stray, whatever becomes of it. */
  account(uid: string): void {
    this.strays.account(uid);
  }

  /** Adopts nothing more. Answers with what may have become ours and is answered for by nobody: each when that is known. */
  leave(): readonly Promise<V1Pod | undefined>[] {
    this.isLeaving = true;
    setTimeout(() => this.givingUp.abort(new Error('the executor leaves')), leavingMs).unref();
    return [...this.takeOvers.values()].map((taken) => taken.catch(() => undefined));
  }

  /** Pods that may be labelled as ours before we know what they hold. */
  get pods(): Iterable<V1Pod> {
    return this.underway.values();
  }

  isUnderway(pod: V1Pod): boolean {
    return this.underway.has(pod.metadata?.uid ?? '');
  }

  private removeStrays(): void {
    const { incarnation, pods, clock, log, removal, isHeld } = this.parts;
    const isUnheld = (pod: V1Pod) =>
      ownerOf(pod) === incarnation &&
      pod.metadata?.deletionTimestamp === undefined &&
      !isHeld(pod.metadata?.name ?? '') &&
      !this.isUnderway(pod);
    for (const { metadata } of this.strays.among(pods.all(), isUnheld, clock.monotonicMs())) {
      const { name = '', uid = '' } = metadata ?? {};
      log.warn('A pod was deleted that was created when its attempt had ended', { pod: name });
      this.strays.account(uid);
      removal.remove({ name, uid });
    }
  }

  private begin(pod: V1Pod, uid: string): void {
    const { isKnowable, log, clock, removal, owner } = this.parts;
    if (!isKnowable(pod)) {
      const { name = '' } = pod.metadata ?? {};
      // Nobody could say what became of it, and whoever waits for it would wait for ever.
      log.warn('A pod was deleted that does not say whose it is', { pod: name });
      this.nobodys.add(uid, clock.monotonicMs());
      return removal.remove({ name, uid });
    }
    this.underway.set(uid, pod);
    owner.run(`adopt pod ${pod.metadata?.name}`, (signal) =>
      this.adopt(pod, uid, signal).finally(() => {
        this.underway.delete(uid);
        this.takeOvers.delete(uid);
      }),
    );
  }

  private async adopt(pod: V1Pod, uid: string, signal: AbortSignal): Promise<void> {
    const taking = this.takeOver(pod, signal);
    const left = taking.then((taken) => (taken.type === 'pod' ? taken.pod : undefined));
    this.takeOvers.set(uid, left);
    left.catch(() => undefined); // the same as of `taking`
    const taken = await taking;
    // Whoever has told us to leave has it now.
    if (this.isLeaving) return;
    this.takeOvers.delete(uid);
    if (taken.type === 'failed' && taken.failure.kind === 'rejected') await wait(refusedForMs, signal);
    if (taken.type === 'pod') await this.parts.adopted(taken.pod, signal);
  }

  /** Says on the pod that it is ours, which one of several that try can do; whoever has done it answers for it from then on. */
  private async takeOver(pod: V1Pod, signal: AbortSignal): Promise<Created> {
    const { api, incarnation, log, pods } = this.parts;
    const name = pod.metadata?.name ?? '';
    const from = ownerOf(pod);
    // What we know of may be older than that its owner has let go of it.
    const mayTake = (owner: string | undefined) => owner === from || isLeft(owner);
    const either = new LinkedSignal(signal, this.givingUp.signal);
    const taken = await takeOver(pod, { api, incarnation }, either.signal, mayTake).finally(() => either.unlink());
    if (taken.type === 'failed' && taken.failure.kind === 'rejected') {
      log.warn('A pod could not be adopted', { pod: name, from, reason: taken.failure.message });
    }
    if (taken.type !== 'pod') return taken;
    pods.learn(taken.pod);
    // It is an attempt's, also where that one is not ours to begin.
    this.strays.account(taken.pod.metadata?.uid ?? '');
    log.info('A pod was adopted', { pod: name, from });
    return taken;
  }
}
