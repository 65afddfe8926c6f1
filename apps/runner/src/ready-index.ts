import type { Demand, Lane, ReadyWork } from '@ryax/workflow';

/** Ready work of all runs in one lane. */
export interface ReadyLane {
  readonly lane: Lane;
  /** In turn. */
  readonly runs: ReadonlySet<string>;
  readonly demands: ReadonlyMap<string, ReadyDemand>;
}

/** The same apart by what it takes of a node. */
export interface ReadyDemand {
  readonly demand: Demand;
  readonly count: number;
}

interface LaneOfRuns extends ReadyLane {
  readonly runs: Set<string>;
  readonly demands: Map<string, DemandOfRuns>;
}

interface DemandOfRuns extends ReadyDemand {
  /** How much of each run is ready. */
  readonly runs: Map<string, number>;
  /** Of all runs: asked for in every turn, however many runs there are. */
  count: number;
}

/** Ready work has no message coming and no timer: whoever owns its run has to look at it. Only what is ready has an entry here. */
export class ReadyIndex {
  private readonly lanes = new Map<string, LaneOfRuns>();
  private readonly byRun = new Map<string, readonly ReadyWork[]>();
  private readonly resting = new Set<string>();

  /** How much of a run could start now. A run keeps its turn in each lane while it stays ready there. */
  set(streamId: string, found: readonly ReadyWork[]): void {
    const work = this.resting.has(streamId) ? [] : found;
    for (const { demand } of this.byRun.get(streamId) ?? []) {
      if (!work.some((each) => each.demand.key === demand.key)) this.remove(streamId, demand);
    }
    for (const { demand, count } of work) this.setCount(streamId, demand, count);
    if (work.length > 0) this.byRun.set(streamId, work);
    else this.byRun.delete(streamId);
  }

  /** Nothing can be handed out from this run now: its ready work is left out until it is asked for by {@link takeResting}. */
  rest(streamId: string): void {
    this.resting.add(streamId);
    this.set(streamId, []);
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

  /** Runs with ready work, and those that rest. */
  get runs(): Iterable<string> {
    return new Set([...this.byRun.keys(), ...this.resting]);
  }

  /** It is not ours any more. */
  giveUp(streamId: string): void {
    this.set(streamId, []);
    this.resting.delete(streamId);
  }

  /** Lanes with ready work, in turn. */
  get inTurn(): readonly ReadyLane[] {
    return [...this.lanes.values()];
  }

  get demands(): readonly ReadyDemand[] {
    return this.inTurn.flatMap(({ demands }) => [...demands.values()]);
  }

  /** Something of this lane was handed out: it goes to the end of the line. */
  served({ lane }: ReadyLane): void {
    const served = this.lanes.get(lane.key);
    if (served === undefined || this.lanes.size === 1) return;
    this.lanes.delete(lane.key);
    this.lanes.set(lane.key, served);
  }

  /** The run whose turn it is of those with work for which there is room; it goes to the end of the line. */
  nextRun({ lane }: ReadyLane, hasRoom: (demand: Demand) => boolean): string | undefined {
    const known = this.lanes.get(lane.key);
    if (known === undefined) return undefined;
    const demands = [...known.demands.values()];
    const open = demands.filter(({ demand }) => hasRoom(demand));
    if (open.length === 0) return undefined;
    for (const streamId of known.runs) {
      if (open.length < demands.length && !open.some(({ runs }) => runs.has(streamId))) continue;
      known.runs.delete(streamId);
      known.runs.add(streamId);
      return streamId;
    }
    return undefined;
  }

  private setCount(streamId: string, demand: Demand, count: number): void {
    const { lane } = demand;
    let known = this.lanes.get(lane.key);
    if (known === undefined) this.lanes.set(lane.key, (known = { lane, runs: new Set(), demands: new Map() }));
    let work = known.demands.get(demand.key);
    if (work === undefined) known.demands.set(demand.key, (work = { demand, runs: new Map(), count: 0 }));
    work.count += count - (work.runs.get(streamId) ?? 0);
    work.runs.set(streamId, count);
    known.runs.add(streamId);
  }

  private remove(streamId: string, { key, lane }: Demand): void {
    const known = this.lanes.get(lane.key);
    const work = known?.demands.get(key);
    if (known === undefined || work === undefined) return;
    work.count -= work.runs.get(streamId) ?? 0;
    work.runs.delete(streamId);
    if (work.runs.size === 0) known.demands.delete(key);
    if (![...known.demands.values()].some(({ runs }) => runs.has(streamId))) known.runs.delete(streamId);
    if (known.runs.size === 0) this.lanes.delete(lane.key);
  }
}
