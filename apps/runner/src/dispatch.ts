import type { HandOut, Lane } from '@ryax/workflow';
import type { Clock, IdSource } from '@ryax/platform';
import type { Decider, StreamDecision } from './decider';
import type { ExecutorRegistry } from './executors';
import { isLogUnreachable } from './log-unreachable';
import type { Membership } from './membership';
import type { RunnerMetrics } from './runner-metrics';
import type { StreamStore } from './stream-store';
import { RecentEnds, slotlessWindow, windowShare } from './window';
import { laneKey, type WorkIndex } from './work-index';

/** Runs that one cycle may load only to hand out from them; the rest has its turn in the next. */
const maxRunsPerLane = 500;

/** Handing out from this run throws: it rests, and is tried again a while later. */
export class HandOutError extends Error {
  readonly code = 'hand-out';

  constructor(
    readonly streamId: string,
    options: ErrorOptions,
  ) {
    super(`Expected to hand out work of ${streamId}, failed`, options);
    this.name = 'HandOutError';
  }
}

export interface DispatchParts {
  readonly decider: Decider;
  readonly store: StreamStore;
  readonly index: WorkIndex;
  readonly executors: ExecutorRegistry;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly metrics: RunnerMetrics;
}

export interface Ownership {
  /** Streams of partitions that are not ours any more are not handed out from. */
  isOurs(streamId: string): boolean;
  /** While open runs are still being found, what is outstanding is not known: then one at a time in each lane. */
  isTakingOver(): boolean;
}

/**
 * Chooses what starts next. Ready work waits in run state, and only a window for each pool is ever handed out: runs with
 * ready work in turn, and inside a run what has the longest path before it. What is handed out is decided and appended with the rest of the cycle.
 */
export class Dispatch {
  readonly recentEnds = new RecentEnds();
  /** The newest start in each lane that was handed out while taking over. */
  private readonly startsInTakeover = new Map<string, { readonly streamId: string; readonly execution: string }>();

  constructor(
    private readonly parts: DispatchParts,
    private readonly ownership: Ownership,
  ) {}

  async handOut(decisions: Map<string, StreamDecision>): Promise<void> {
    for (const { stream } of decisions.values()) {
      if (stream.kind !== 'run' || !this.ownership.isOurs(stream.streamId)) continue;
      this.parts.index.setReady(stream.streamId, stream.aggregate.readyLanes);
    }
    for (const lane of this.parts.index.readyLanes) await this.handOutLane(lane, decisions);
  }

  /** Nothing of this run can be handed out now. */
  rest(streamId: string): void {
    this.parts.index.rest(streamId);
  }

  isResting(streamId: string): boolean {
    return this.parts.index.isResting(streamId);
  }

  /** True when another cycle could hand something out now. */
  get hasRoom(): boolean {
    return this.parts.index.readyLanes.some((lane) => this.room(lane) > 0);
  }

  private async handOutLane(lane: Lane, decisions: Map<string, StreamDecision>): Promise<void> {
    const site = this.parts.executors.siteFor(lane.pool);
    let room = this.room(lane);
    if (site === undefined || room <= 0) return;
    const runs = Math.min(this.parts.index.runsReady(lane), maxRunsPerLane);
    const turn = Math.max(1, Math.ceil(room / Math.max(1, runs)));
    for (let visited = 0; visited < runs && room > 0; visited++) {
      const streamId = this.parts.index.nextRun(lane);
      if (streamId === undefined) return;
      if (!this.ownership.isOurs(streamId)) {
        this.parts.index.forget(streamId);
        continue;
      }
      room -= await this.handOutRun(streamId, lane, site, Math.min(turn, room), decisions);
    }
  }

  private async handOutRun(
    streamId: string,
    lane: Lane,
    site: string,
    limit: number,
    decisions: Map<string, StreamDecision>,
  ): Promise<number> {
    try {
      const decision = decisions.get(streamId) ?? this.parts.decider.begin(await this.parts.store.load(streamId));
      const { stream } = decision;
      if (stream.kind !== 'run') return 0;
      const ready = stream.aggregate.firstReady(lane, limit);
      const executions = ready.map<HandOut>(({ execution }) => ({ execution, site, pool: lane.pool }));
      const { now } = this.parts.decider.contextFor(stream);
      for (const { readySince } of ready) this.parts.metrics.readyToStartSeconds.observe((now - readySince) / 1000);
      if (executions.length > 0) {
        decisions.set(streamId, decision);
        const cause = { id: this.parts.ids.newId(), type: 'runner.hand-out' };
        const work = { kind: 'run', message: { type: 'hand-out', executions } } as const;
        const deciding = this.parts.decider.decideInternally(decision, work, cause);
        if (deciding !== undefined) await deciding;
        this.noteStart(lane, streamId, executions);
      }
      this.parts.index.setReady(streamId, stream.aggregate.readyLanes);
      return executions.length;
    } catch (error) {
      if (isLogUnreachable(error)) throw error;
      this.rest(streamId);
      throw new HandOutError(streamId, { cause: error });
    }
  }

  /** How much more may be handed out in this lane. */
  private room(lane: Lane): number {
    if (this.parts.executors.siteFor(lane.pool) === undefined) return 0;
    const room = this.window(lane) - this.parts.index.outstandingIn(lane);
    if (!this.ownership.isTakingOver()) {
      this.startsInTakeover.delete(laneKey(lane));
      return room;
    }
    return this.isOut(this.startsInTakeover.get(laneKey(lane))) ? 0 : Math.min(room, 1);
  }

  private noteStart(lane: Lane, streamId: string, executions: readonly HandOut[]): void {
    if (!this.ownership.isTakingOver()) return;
    for (const { execution } of executions) this.startsInTakeover.set(laneKey(lane), { streamId, execution });
  }

  private isOut(start: { readonly streamId: string; readonly execution: string } | undefined): boolean {
    if (start === undefined) return false;
    return this.parts.index.attemptsOf(start.streamId).some(({ execution }) => execution === start.execution);
  }

  private window(lane: Lane): number {
    if (!lane.holdsSlot) return slotlessWindow;
    const window =
      this.parts.executors.slots(lane.pool) + this.recentEnds.count(lane.pool, this.parts.clock.monotonicMs());
    const mine = this.parts.index.readyCount(lane) + this.parts.index.outstandingIn(lane);
    return windowShare(window, mine, this.parts.membership.wantedByOthers(lane.pool));
  }
}
