import type { Failure, JsonObject, Outcome, Rejection, RunEvent, RunStart } from '@ryax/contracts';
import type { Plan, PlanEntry } from '../definition/plan';
import { handle } from '../run/handle';
import { poolNameOf, type Lane } from '../placement';
import { cancelRequests, firstReady, readyWork } from '../run/queries';
import type { RunMessage, RunStatus } from '../run/run-aggregate';
import { newRun, type RunState } from '../run/state';
import { TimeQueue } from '../run/time-queue';
import { nextWakeup } from '../run/timers';
import { SimulatedValues } from './simulated-values';

/**
 * Drives the real aggregate in virtual time: what takes hours happens in the time that deciding takes. Executors never
 * lose anything and confirm a cancel at once; whatever else may happen is said by `perform` and `messages`.
 */
export interface Simulation {
  readonly plan: Plan;
  readonly inputs?: JsonObject;
  /** What an attempt takes and comes to. */
  readonly perform: (task: SimulatedTask) => SimulatedEnd;
  /** Slots of a pool; what holds no slot never waits. */
  readonly slots: (pool: string) => number;
  /** For retry pauses; one half unless told. */
  readonly random?: () => number;
  /** What else happens, and when. */
  readonly messages?: readonly { readonly at: number; readonly message: RunMessage }[];
}

export interface SimulatedTask {
  readonly execution: string;
  readonly attempt: number;
  readonly entry: PlanEntry;
}

export interface SimulatedEnd {
  readonly durationMs: number;
  readonly outcome: Outcome;
}

export interface SimulatedRun {
  /** Not an ended one only when the run can never end: a defect of the engine. */
  readonly status: RunStatus;
  readonly makespanMs: number;
  readonly failure: Failure | null;
  /** Attempts in the order in which they ended. */
  readonly timeline: readonly SimulatedAttempt[];
  readonly eventCount: number;
  readonly state: RunState;
}

export interface SimulatedAttempt extends SimulatedTask {
  readonly pool: string;
  readonly readyAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly status: Outcome['status'];
}

/** The inputs do not fit the plan. */
export class SimulationRejectedError extends Error {
  readonly code = 'simulation-rejected';

  constructor(readonly rejection: Rejection) {
    super(rejection.message);
    this.name = 'SimulationRejectedError';
  }
}

export function simulate(simulation: Simulation): SimulatedRun {
  return new VirtualExecutors(simulation).run();
}

interface Running extends SimulatedTask {
  readonly at: number;
  readonly lane: Lane;
  readonly readyAt: number;
  readonly startedAt: number;
  readonly end: SimulatedEnd;
}

/** Starts of what holds no slot that are handed out at once. */
const UNBOUNDED_BATCH = 1_000;

class VirtualExecutors {
  private readonly state: RunState;
  private readonly values = new SimulatedValues();
  private readonly running = new TimeQueue<Running>();
  private readonly messages = new TimeQueue<{ readonly at: number; readonly message: RunMessage }>();
  private readonly busy = new Map<string, number>();
  /** By execution. What is still queued of an attempt that is not here any more is void. */
  private readonly held = new Map<string, Running>();
  private readonly timeline: SimulatedAttempt[] = [];
  private now = 0;
  private eventCount = 0;
  /** Something may have been stopped since cancels were last looked for. */
  private mayCancel = false;
  /** A wake-up that led nowhere: nothing will come of another until something else happens. */
  private vainWakeup: number | null = null;

  constructor(private readonly simulation: Simulation) {
    this.state = newRun(simulation.plan);
    for (const message of simulation.messages ?? []) this.messages.push(message);
  }

  run(): SimulatedRun {
    this.handle({ type: 'start', command: startCommand(this.simulation) });
    do this.act();
    while (this.advance());
    const { state, timeline, eventCount } = this;
    return {
      status: state.status,
      makespanMs: this.now,
      failure: state.end?.failure ?? null,
      timeline,
      eventCount,
      state,
    };
  }

  private handle(message: RunMessage): readonly RunEvent[] {
    const { random = () => 0.5 } = this.simulation;
    const decision = handle(this.state, message, { now: this.now, random, values: this.values });
    if (decision.type === 'rejected') throw new SimulationRejectedError(decision.rejection);
    this.values.record(decision.events, this.state.version);
    this.eventCount += decision.events.length;
    if (decision.events.length > 0) this.vainWakeup = null;
    this.mayCancel ||= decision.events.some(({ type }) => type === 'ExecutionFailed' || type === 'RunCancelRequested');
    return this.values.meet(decision.needs) ? [...decision.events, ...this.handle({ type: 'wake' })] : decision.events;
  }

  /** Everything that takes no time. */
  private act(): void {
    do {
      this.confirmCancels();
      this.fillSlots();
    } while (this.mayCancel);
  }

  private fillSlots(): void {
    for (let lanes = this.lanesWithRoom(); lanes.length > 0; lanes = this.lanesWithRoom()) {
      for (const { lane, room } of lanes) this.start(lane, room);
    }
  }

  private lanesWithRoom(): { lane: Lane; room: number }[] {
    const lanes = new Map(readyWork(this.state).map(({ demand }) => [demand.lane.key, demand.lane]));
    return [...lanes.values()].map((lane) => ({ lane, room: this.room(lane) })).filter(({ room }) => room > 0);
  }

  private room(lane: Lane): number {
    const pool = poolNameOf(lane);
    return lane.holdsSlot ? this.simulation.slots(pool) - (this.busy.get(pool) ?? 0) : UNBOUNDED_BATCH;
  }

  private start(lane: Lane, room: number): void {
    const pool = poolNameOf(lane);
    const ready = new Map(
      firstReady(this.state, lane, room, () => pool).map(({ execution, readySince }) => [execution, readySince]),
    );
    const executions = [...ready.keys()].map((execution) => ({ execution, site: 'simulated', pool }));
    for (const event of this.handle({ type: 'hand-out', executions })) {
      if (event.type !== 'ExecutionScheduled') continue;
      const { execution, attempt } = event.data;
      const entry = this.simulation.plan.entryById.get(execution.split('.', 1)[0] ?? '');
      if (entry === undefined) continue;
      const end = this.simulation.perform({ execution, attempt, entry });
      const readyAt = ready.get(execution) ?? this.now;
      if (lane.holdsSlot) this.busy.set(pool, (this.busy.get(pool) ?? 0) + 1);
      const at = this.now + end.durationMs;
      const running = { at, execution, attempt, entry, lane, readyAt, startedAt: this.now, end };
      this.running.push(running);
      this.held.set(execution, running);
    }
  }

  private confirmCancels(): void {
    while (this.mayCancel) {
      this.mayCancel = false;
      for (const { execution } of cancelRequests(this.state, this.now)) {
        const running = this.held.get(execution);
        if (running !== undefined) this.report(running, { status: 'cancelled' });
      }
    }
  }

  /** Lets the next thing happen; false when nothing will. */
  private advance(): boolean {
    const ends = this.firstToEnd()?.at ?? Infinity;
    const message = this.messages.peek()?.at ?? Infinity;
    const wakeup = this.nextWakeup();
    const at = Math.min(ends, message, wakeup);
    if (at === Infinity) return false;
    this.now = Math.max(this.now, at);
    if (ends === at) this.endFirst();
    else if (message === at) this.handle(this.messages.pop()?.message ?? { type: 'wake' });
    else if (this.handle({ type: 'wake' }).length === 0) this.vainWakeup = wakeup;
    return true;
  }

  private nextWakeup(): number {
    const wakeup = nextWakeup(this.state) ?? Infinity;
    return wakeup === this.vainWakeup ? Infinity : wakeup;
  }

  private firstToEnd(): Running | undefined {
    for (let first = this.running.peek(); first !== undefined; first = this.running.peek()) {
      if (this.held.get(first.execution) === first) return first;
      this.running.pop();
    }
    return undefined;
  }

  private endFirst(): void {
    const ended = this.running.pop();
    if (ended !== undefined) this.report(ended, ended.end.outcome);
  }

  private report(ended: Running, outcome: Outcome): void {
    const { execution, attempt, entry, lane, readyAt, startedAt } = ended;
    this.held.delete(execution);
    const pool = poolNameOf(lane);
    if (lane.holdsSlot) this.busy.set(pool, (this.busy.get(pool) ?? 0) - 1);
    const endedAt = this.now;
    this.timeline.push({
      execution,
      attempt,
      entry,
      pool,
      readyAt,
      startedAt,
      endedAt,
      status: outcome.status,
    });
    this.handle({ type: 'ended', execution, attempt, executor: 'simulated', outcome, durationMs: endedAt - startedAt });
  }
}

function startCommand({ plan, inputs = {} }: Simulation): RunStart {
  return {
    run_id: 'simulated',
    workflow_id: plan.workflowId,
    workflow_version: 1,
    definition_hash: `sha256:${'0'.repeat(64)}`,
    inputs,
    labels: {},
    request_hash: '',
    key: 'simulated',
    started_by: null,
  };
}
