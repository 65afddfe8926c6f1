import type { Attempt } from '@ryax/contracts';
import { TransientMap } from '@ryax/platform';
import { poolKey, type OutstandingAttempt } from '@ryax/workflow';
import type { GivenBack } from './executors';
import { ReadyIndex } from './ready-index';

/** An attempt that this runner has handed out (or found handed out) and whose end is not in the log. */
export interface TrackedAttempt extends Omit<OutstandingAttempt, 'cancelling'> {
  readonly streamId: string;
  readonly project: string;
  readonly runId: string;
  readonly partition: number;
  /** Monotonic ms of the newest emission of its start by us, or of our takeover. */
  emittedAt: number;
  /** The executor's incarnation that its start was last sent to. */
  sentTo: string | undefined;
  /** Since when that start is meant, by the database: executors take none that is older than what they have promised. */
  since: number;
  /** The executor's incarnation that said it holds it. */
  holder: string | undefined;
  /** Set when it should be stopped. */
  cancelling: OutstandingAttempt['cancelling'];
  inquiry: Inquiry | undefined;
  /** An executor gave the start back: it may be emitted again at the next look. */
  isReturned: boolean;
  /** Who has given its start back, each once: the newest last. */
  givenBack: readonly GivenBack[];
  /** What we know of it may be wrong, or gone with the broker: who has it is asked at the next look, whatever its age. */
  isSuspect: boolean;
}

/** "Who has it?": one question, however often it is put. */
export interface Inquiry {
  /** Whom it is put to: the routing key of the executors of a site, or of the holder alone. */
  readonly to: string;
  /** When it was made, by the database: its name, and whoever does not know the attempt takes no start of it that is older. */
  readonly since: number;
  /** The executors of the site that lived when it was made. */
  readonly madeAmong: readonly string[];
  /** Made after the start had lost its validity: that nobody knows the attempt counts. */
  readonly isConclusive: boolean;
  /** Monotonic ms when it was last put. */
  askedAt: number;
  readonly unknownTo: Set<string>;
  /** Somebody has said that it holds the attempt. */
  isAnswered: boolean;
}

export function attemptKey(streamId: string, execution: string, attempt: number): string {
  return `${streamId}/${execution}/${attempt}`;
}

/** As executors are told of it. */
export function addressOf({ project, runId, execution, attempt, partition }: TrackedAttempt): Attempt {
  return { project, run_id: runId, execution, attempt, reply_partition: partition };
}

/**
 * What the runner must keep an eye on for all open runs of its partitions: ready work, which has no message coming and
 * no timer, and outstanding attempts. It survives the eviction of runs from the cache; the log can rebuild it.
 */
export class WorkIndex {
  readonly ready = new ReadyIndex();
  private readonly attempts = new TransientMap<string, TrackedAttempt>();
  private readonly keysByStream = new TransientMap<string, Set<string>>();
  /** By pool. */
  private readonly held = new Map<string, Held>();
  /** Attempts that ask for a slot, by the executor that they were sent to. */
  private readonly sent = new Map<string, number>();
  private readonly versions = new Map<string, number>();

  /** What is watched of an open run stands at this version of its stream. */
  sawVersion(streamId: string, version: number): void {
    this.versions.set(streamId, version);
  }

  /** The runs of which something is watched. */
  get watched(): Iterable<string> {
    return this.versions.keys();
  }

  /** 0 for a run of which nothing is watched. */
  knownVersion(streamId: string): number {
    return this.versions.get(streamId) ?? 0;
  }

  track(attempt: TrackedAttempt): void {
    const key = attemptKey(attempt.streamId, attempt.execution, attempt.attempt);
    if (this.attempts.has(key)) return;
    this.attempts.set(key, attempt);
    const keys = this.keysByStream.get(attempt.streamId) ?? new Set<string>();
    this.keysByStream.set(attempt.streamId, keys.add(key));
    this.addHeld(attempt, 1);
  }

  /** The attempt has ended in the log. Answers what was tracked of it. */
  untrack(streamId: string, execution: string, attempt: number): TrackedAttempt | undefined {
    const key = attemptKey(streamId, execution, attempt);
    const tracked = this.attempts.delete(key);
    if (tracked === undefined) return undefined;
    const keys = this.keysByStream.get(streamId);
    keys?.delete(key);
    if (keys?.size === 0) this.keysByStream.delete(streamId);
    this.addHeld(tracked, -1);
    return tracked;
  }

  attempt(streamId: string, execution: string, attempt: number): TrackedAttempt | undefined {
    return this.attempts.get(attemptKey(streamId, execution, attempt));
  }

  get outstanding(): Iterable<TrackedAttempt> {
    return this.attempts.values();
  }

  get outstandingCount(): number {
    return this.attempts.size;
  }

  /** The start of this attempt goes to this executor, whoever it went to before. */
  sendTo(attempt: TrackedAttempt, incarnation: string): void {
    const isTracked = this.attempts.get(attemptKey(attempt.streamId, attempt.execution, attempt.attempt)) === attempt;
    if (isTracked) this.addSent(attempt, -1);
    attempt.sentTo = incarnation;
    if (isTracked) this.addSent(attempt, 1);
  }

  /** How much of ours an executor has to do that asks for slots. */
  outstandingAt(incarnation: string): number {
    return this.sent.get(incarnation) ?? 0;
  }

  /** What our outstanding attempts take of a pool. */
  heldIn(pool: string): Readonly<Held> {
    return this.held.get(pool) ?? nothingHeld;
  }

  /** What is tracked of one stream. */
  attemptsOf(streamId: string): readonly TrackedAttempt[] {
    return [...(this.keysByStream.get(streamId) ?? [])].flatMap((key) => this.attempts.get(key) ?? []);
  }

  /** Forgets everything of a stream: its partition was lost, its run has closed, or it is about to be folded again. */
  forget(streamId: string): void {
    this.ready.set(streamId, []);
    for (const key of this.keysByStream.get(streamId) ?? []) {
      const tracked = this.attempts.delete(key);
      if (tracked !== undefined) this.addHeld(tracked, -1);
    }
    this.keysByStream.delete(streamId);
    this.versions.delete(streamId);
  }

  forgetWhere(isForgotten: (streamId: string) => boolean): void {
    for (const streamId of new Set([...this.keysByStream.keys(), ...this.versions.keys()])) {
      if (isForgotten(streamId)) this.forget(streamId);
    }
    for (const streamId of this.ready.runs) if (isForgotten(streamId)) this.ready.giveUp(streamId);
  }

  private addHeld(attempt: TrackedAttempt, sign: 1 | -1): void {
    const { site, pool, demand } = attempt;
    const key = poolKey(site, pool);
    let held = this.held.get(key);
    if (held === undefined) this.held.set(key, (held = { ...nothingHeld }));
    if (demand.lane.holdsSlot) held.slots += sign;
    else held.slotless += sign;
    held.cpu += sign * demand.cpu;
    held.memory_bytes += sign * demand.memory_bytes;
    held.gpu += sign * demand.gpu;
    // Sums of fractions drift: with nothing held they begin anew.
    if (held.slots === 0 && held.slotless === 0) this.held.delete(key);
    this.addSent(attempt, sign);
  }

  private addSent({ demand, sentTo }: TrackedAttempt, count: number): void {
    if (!demand.lane.holdsSlot || sentTo === undefined) return;
    const sum = this.outstandingAt(sentTo) + count;
    if (sum > 0) this.sent.set(sentTo, sum);
    else this.sent.delete(sentTo);
  }
}

/** What is taken of a pool: slots and what goes with them, and what holds none. */
export interface Held {
  slots: number;
  slotless: number;
  cpu: number;
  memory_bytes: number;
  gpu: number;
}

const nothingHeld: Readonly<Held> = { slots: 0, slotless: 0, cpu: 0, memory_bytes: 0, gpu: 0 };
