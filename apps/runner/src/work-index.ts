import type { Attempt } from '@ryax/contracts';
import { TransientMap } from '@ryax/platform';
import type { Lane, OutstandingAttempt, ReadyLane } from '@ryax/workflow';

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
  private readonly ready = new Map<string, LaneOfRuns>();
  private readonly attempts = new TransientMap<string, TrackedAttempt>();
  private readonly keysByStream = new TransientMap<string, Set<string>>();
  private readonly held = new Map<string, { readonly lane: Lane; count: number }>();
  /** Attempts that ask for a slot, by the executor that they were sent to. */
  private readonly sent = new Map<string, number>();
  private readonly versions = new Map<string, number>();
  private readonly resting = new Set<string>();

  /** How much of a run could start now, by lane. A run keeps its turn in each lane while it stays ready there. */
  setReady(streamId: string, found: readonly ReadyLane[]): void {
    const lanes = this.resting.has(streamId) ? [] : found;
    for (const lane of lanes) {
      const key = laneKey(lane);
      const known = this.ready.get(key) ?? {
        lane: { pool: lane.pool, holdsSlot: lane.holdsSlot },
        runs: new Map<string, number>(),
        count: 0,
      };
      this.ready.set(key, known);
      if (lane.count > 0) setCount(known, streamId, lane.count);
    }
    for (const known of this.ready.values()) {
      if (!lanes.some((each) => each.count > 0 && isSameLane(each, known.lane))) setCount(known, streamId, 0);
    }
  }

  /** Nothing can be handed out from this run now: its ready work is left out until it is asked for by {@link takeResting}. */
  rest(streamId: string): void {
    this.resting.add(streamId);
    this.setReady(streamId, []);
  }

  isResting(streamId: string): boolean {
    return this.resting.has(streamId);
  }

  /** The runs that rested long enough; what is ready in them counts again from their next fold or decision on. */
  takeResting(): readonly string[] {
    const streams = [...this.resting];
    this.resting.clear();
    return streams;
  }

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

  /** Work that asks for slots, ready and outstanding, by pool. */
  get wanted(): Record<string, number> {
    const wanted: Record<string, number> = {};
    const add = ({ pool, holdsSlot }: Lane, count: number) => {
      if (holdsSlot && count > 0) wanted[pool] = (wanted[pool] ?? 0) + count;
    };
    for (const { lane } of this.ready.values()) add(lane, this.readyCount(lane));
    for (const { lane, count } of this.held.values()) add(lane, count);
    return wanted;
  }

  /** Lanes in which some run has ready work. */
  get readyLanes(): readonly Lane[] {
    return [...this.ready.values()].filter(({ runs }) => runs.size > 0).map(({ lane }) => lane);
  }

  runsReady(lane: Lane): number {
    return this.ready.get(laneKey(lane))?.runs.size ?? 0;
  }

  readyCount(lane: Lane): number {
    return this.ready.get(laneKey(lane))?.count ?? 0;
  }

  /** The run whose turn it is; it goes to the end of the line. */
  nextRun(lane: Lane): string | undefined {
    const runs = this.ready.get(laneKey(lane))?.runs;
    const first = runs?.entries().next();
    if (runs === undefined || first === undefined || first.done === true) return undefined;
    const [streamId, count] = first.value;
    runs.delete(streamId);
    runs.set(streamId, count);
    return streamId;
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

  outstandingIn(lane: Lane): number {
    return this.held.get(laneKey(lane))?.count ?? 0;
  }

  /** What is tracked of one stream. */
  attemptsOf(streamId: string): readonly TrackedAttempt[] {
    return [...(this.keysByStream.get(streamId) ?? [])].flatMap((key) => this.attempts.get(key) ?? []);
  }

  /** Forgets everything of a stream: its partition was lost, its run has closed, or it is about to be folded again. */
  forget(streamId: string): void {
    for (const known of this.ready.values()) setCount(known, streamId, 0);
    for (const key of this.keysByStream.get(streamId) ?? []) {
      const tracked = this.attempts.delete(key);
      if (tracked !== undefined) this.addHeld(tracked, -1);
    }
    this.keysByStream.delete(streamId);
    this.versions.delete(streamId);
  }

  forgetWhere(isForgotten: (streamId: string) => boolean): void {
    const streams = new Set([
      ...this.keysByStream.keys(),
      ...this.versions.keys(),
      ...[...this.ready.values()].flatMap(({ runs }) => [...runs.keys()]),
    ]);
    for (const streamId of streams) if (isForgotten(streamId)) this.forget(streamId);
    for (const streamId of this.resting) if (isForgotten(streamId)) this.resting.delete(streamId);
  }

  private addHeld(attempt: TrackedAttempt, count: number): void {
    const { pool, holdsSlot } = attempt;
    const held = this.held.get(laneKey(attempt)) ?? { lane: { pool, holdsSlot }, count: 0 };
    held.count += count;
    this.held.set(laneKey(attempt), held);
    this.addSent(attempt, count);
  }

  private addSent({ holdsSlot, sentTo }: TrackedAttempt, count: number): void {
    if (!holdsSlot || sentTo === undefined) return;
    const sum = this.outstandingAt(sentTo) + count;
    if (sum > 0) this.sent.set(sentTo, sum);
    else this.sent.delete(sentTo);
  }
}

interface LaneOfRuns {
  readonly lane: Lane;
  /** Runs in turn, with how much of each is ready. */
  readonly runs: Map<string, number>;
  /** Of all runs: asked for in every turn, however many runs there are. */
  count: number;
}

/** A run that is there keeps its turn. */
function setCount(lane: LaneOfRuns, streamId: string, count: number): void {
  const before = lane.runs.get(streamId) ?? 0;
  lane.count += count - before;
  if (count > 0) lane.runs.set(streamId, count);
  else if (before > 0) lane.runs.delete(streamId);
}

export function laneKey(lane: Lane): string {
  return `${lane.holdsSlot ? 'slot' : 'free'} ${lane.pool}`;
}

function isSameLane(left: Lane, right: Lane): boolean {
  return left.pool === right.pool && left.holdsSlot === right.holdsSlot;
}
