import type { Lane, OutstandingAttempt, ReadyLane } from '@ryax/workflow';

/** An attempt that this runner has handed out (or found handed out) and whose end is not in the log. */
export interface TrackedAttempt extends Omit<OutstandingAttempt, 'cancelling'> {
  readonly streamId: string;
  readonly project: string;
  readonly runId: string;
  readonly partition: number;
  /** Monotonic ms of the newest emission of its start by us, or of our takeover. */
  emittedAt: number;
  /** The executor's incarnation that said it holds it. */
  holder: string | undefined;
  /** Set when it should be stopped. */
  cancelling: OutstandingAttempt['cancelling'];
  inquiry: Inquiry | undefined;
  /** An executor gave the start back: it may be emitted again at the next look. */
  isReturned: boolean;
}

/** "Who has it?", asked of all executors of a site that lived at that moment. */
export interface Inquiry {
  readonly askedAt: number;
  readonly unknownTo: Set<string>;
}

export function attemptKey(streamId: string, execution: string, attempt: number): string {
  return `${streamId}/${execution}/${attempt}`;
}

/**
 * What the runner must keep an eye on for all open runs of its partitions: ready work, which has no message coming and
 * no timer, and outstanding attempts. It survives the eviction of runs from the cache; the log can rebuild it.
 */
export class WorkIndex {
  private readonly ready = new Map<string, LaneOfRuns>();
  private readonly attempts = new Map<string, TrackedAttempt>();
  private readonly keysByStream = new Map<string, Set<string>>();
  private readonly held = new Map<string, number>();

  /** How much of a run could start now, by lane. A run keeps its turn in each lane while it stays ready there. */
  setReady(streamId: string, lanes: readonly ReadyLane[]): void {
    for (const lane of lanes) {
      const key = laneKey(lane);
      const known = this.ready.get(key) ?? {
        lane: { pool: lane.pool, holdsSlot: lane.holdsSlot },
        runs: new Map<string, number>(),
      };
      this.ready.set(key, known);
      if (lane.count > 0) known.runs.set(streamId, lane.count);
    }
    for (const { lane, runs } of this.ready.values()) {
      if (!lanes.some((each) => each.count > 0 && isSameLane(each, lane))) runs.delete(streamId);
    }
  }

  /** Lanes in which some run has ready work. */
  get readyLanes(): readonly Lane[] {
    return [...this.ready.values()].filter(({ runs }) => runs.size > 0).map(({ lane }) => lane);
  }

  runsReady(lane: Lane): number {
    return this.ready.get(laneKey(lane))?.runs.size ?? 0;
  }

  readyCount(lane: Lane): number {
    let sum = 0;
    for (const count of this.ready.get(laneKey(lane))?.runs.values() ?? []) sum += count;
    return sum;
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
    const tracked = this.attempts.get(key);
    if (tracked === undefined) return undefined;
    this.attempts.delete(key);
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

  outstandingIn(lane: Lane): number {
    return this.held.get(laneKey(lane)) ?? 0;
  }

  /** What is tracked of one stream. */
  attemptsOf(streamId: string): readonly TrackedAttempt[] {
    return [...(this.keysByStream.get(streamId) ?? [])].flatMap((key) => this.attempts.get(key) ?? []);
  }

  /** Forgets everything of a stream: its partition was lost, its run has closed, or it is about to be folded again. */
  forget(streamId: string): void {
    for (const { runs } of this.ready.values()) runs.delete(streamId);
    for (const key of this.keysByStream.get(streamId) ?? []) {
      const tracked = this.attempts.get(key);
      if (tracked !== undefined) this.addHeld(tracked, -1);
      this.attempts.delete(key);
    }
    this.keysByStream.delete(streamId);
  }

  forgetWhere(isForgotten: (streamId: string) => boolean): void {
    const streams = new Set([
      ...this.keysByStream.keys(),
      ...[...this.ready.values()].flatMap(({ runs }) => [...runs.keys()]),
    ]);
    for (const streamId of streams) if (isForgotten(streamId)) this.forget(streamId);
  }

  private addHeld(lane: Lane, count: number): void {
    this.held.set(laneKey(lane), this.outstandingIn(lane) + count);
  }
}

interface LaneOfRuns {
  readonly lane: Lane;
  /** Runs in turn, with how much of each is ready. */
  readonly runs: Map<string, number>;
}

export function laneKey(lane: Lane): string {
  return `${lane.holdsSlot ? 'slot' : 'free'} ${lane.pool}`;
}

function isSameLane(left: Lane, right: Lane): boolean {
  return left.pool === right.pool && left.holdsSlot === right.holdsSlot;
}
