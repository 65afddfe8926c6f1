import type { Failure } from '@ryax/contracts';
import type { Demand, Lane, RunMessage } from '@ryax/workflow';
import type { IdSource } from '@ryax/platform';
import type { Decider, StreamDecision } from './decider';
import { isLogUnreachable } from './log-unreachable';
import type { Placement, PoolRoom } from './placement';
import type { ReadyLane } from './ready-index';
import type { RunnerMetrics } from './runner-metrics';
import type { RunStream, StreamStore } from './stream-store';
import type { WorkIndex } from './work-index';
import type { WorkItem } from './work-item';

/** Runs that one cycle may load only to hand out from them; the rest has its turn in the next. */
const maxRunsPerLane = 500;
/** What can run nowhere and fails in one cycle of one run. */
const maxRefusals = 500;

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
  readonly placement: Placement;
  readonly ids: IdSource;
  readonly metrics: RunnerMetrics;
}

export interface Ownership {
  /** Streams of partitions that are not ours any more are not handed out from. */
  isOurs(streamId: string): boolean;
}

type Decisions = Map<string, StreamDecision>;

/** What there is to do for one run; answers for how many executions something was decided. */
type Act = (stream: RunStream, decide: Decide) => Promise<number>;
/** Nothing to wait for where nothing had to be loaded. */
type Decide = (message: RunMessage, cause: WorkItem['cause']) => Promise<void> | undefined;

/**
 * Chooses what starts next, and where. Ready work waits in run state, and only a window for each pool is ever handed out: lanes in
 * turn, in a lane runs with ready work in turn, and inside a run what has the longest path before it. What is handed out is decided
 * and appended with the rest of the cycle.
 */
export class Dispatch {
  constructor(
    private readonly parts: DispatchParts,
    private readonly ownership: Ownership,
  ) {}

  async handOut(decisions: Decisions): Promise<void> {
    const { index, placement } = this.parts;
    for (const { stream } of decisions.values()) {
      if (stream.kind !== 'run' || !this.ownership.isOurs(stream.streamId)) continue;
      index.ready.set(stream.streamId, stream.aggregate.readyWork);
    }
    placement.look();
    const waiting = [...index.ready.inTurn];
    for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift()) {
      await this.handOutLane(lane, placement.beginTurn(lane, waiting), decisions);
    }
    for (const [demand, failure] of placement.lookForHopeless(index.ready.demands)) {
      await this.refuse(demand, failure, decisions);
    }
  }

  /** Nothing of this run can be handed out now. */
  rest(streamId: string): void {
    this.parts.index.ready.rest(streamId);
  }

  isResting(streamId: string): boolean {
    return this.parts.index.ready.isResting(streamId);
  }

  /** True when another cycle could hand something out now. */
  get hasRoom(): boolean {
    const { index, placement } = this.parts;
    placement.look();
    return index.ready.demands.some(({ demand }) => placement.hasRoom(demand));
  }

  private async handOutLane(lane: ReadyLane, part: number, decisions: Decisions): Promise<void> {
    const { index, placement } = this.parts;
    let room = part;
    const runs = Math.min(lane.runs.size, maxRunsPerLane);
    const turn = Math.max(1, Math.ceil(room / Math.max(1, runs)));
    for (let visited = 0; visited < runs && room > 0; visited++) {
      const streamId = index.ready.nextRun(lane, (demand) => placement.hasRoom(demand));
      if (streamId === undefined) break;
      const limit = Math.min(turn, room);
      room -= await this.visit(streamId, decisions, (stream, decide) =>
        this.handOutRun(stream, decide, lane.lane, limit),
      );
    }
    if (room < part) index.ready.served(lane);
  }

  private async handOutRun(stream: RunStream, decide: Decide, lane: Lane, limit: number): Promise<number> {
    const { placement, metrics, decider } = this.parts;
    /** Why each pool was chosen; of plain work nobody asks. */
    const reasons = new Map<PoolRoom, readonly string[]>();
    const ready = stream.aggregate.firstReady(lane, limit, (demand) => {
      const pool = placement.choose(demand);
      if (pool === undefined) return undefined;
      if (!lane.isPlain && !reasons.has(pool)) reasons.set(pool, placement.reasonsOf(demand, pool));
      placement.take(pool, demand);
      return pool;
    });
    const { now } = decider.contextFor(stream);
    for (const { readySince, execution, place } of ready) {
      metrics.readyToStartSeconds.observe((now - readySince) / 1000);
      placement.handedOut(place, lane, stream.streamId, execution);
    }
    const handOut = (chosen: typeof ready, cause: object) => {
      const executions = chosen.map(({ execution, place: { site, name } }) => ({ execution, site, pool: name }));
      return decide(
        { type: 'hand-out', executions },
        { id: this.parts.ids.newId(), type: 'runner.hand-out', ...cause },
      );
    };
    if (lane.isPlain && ready.length > 0) await handOut(ready, {});
    for (const [pool, why] of reasons) {
      await handOut(
        ready.filter(({ place }) => place === pool),
        { reasons: why },
      );
    }
    return ready.length;
  }

  /** Of each run in turn, as far as one cycle goes. */
  private async refuse({ lane, key }: Demand, failure: Failure, decisions: Decisions): Promise<void> {
    const { ready } = this.parts.index;
    const found = ready.inTurn.find((each) => each.lane.key === lane.key);
    if (found === undefined) return;
    const isMeant = (demand: Demand) => demand.key === key;
    for (let visited = Math.min(found.runs.size, maxRunsPerLane); visited > 0; visited--) {
      const streamId = ready.nextRun(found, isMeant);
      if (streamId === undefined) return;
      await this.visit(streamId, decisions, async ({ aggregate }, decide) => {
        const refused = aggregate.firstReady(lane, maxRefusals, (demand) => (isMeant(demand) ? true : undefined));
        const executions = refused.map(({ execution }) => execution);
        await decide({ type: 'refuse', executions, failure }, { id: this.parts.ids.newId(), type: 'runner.refuse' });
        return executions.length;
      });
    }
  }

  private async visit(streamId: string, decisions: Decisions, act: Act): Promise<number> {
    const { index, decider, store } = this.parts;
    if (!this.ownership.isOurs(streamId)) {
      index.forget(streamId);
      return 0;
    }
    try {
      const decision = decisions.get(streamId) ?? decider.begin(await store.load(streamId));
      const { stream } = decision;
      if (stream.kind !== 'run') return 0;
      const count = await act(stream, (message, cause) => {
        // Before anything is decided: a decision that breaks off half-way is dropped with the others.
        decisions.set(streamId, decision);
        return decider.decideInternally(decision, { kind: 'run', message }, cause);
      });
      index.ready.set(streamId, stream.aggregate.readyWork);
      return count;
    } catch (error) {
      if (isLogUnreachable(error)) throw error;
      this.rest(streamId);
      throw new HandOutError(streamId, { cause: error });
    }
  }
}
