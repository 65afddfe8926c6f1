import type { EventOf, Failure, JsonObject, JsonValue, RunEvent, ValueReference } from '@ryax/contracts';
import type { Plan } from '../../definition/plan';
import { evolve } from '../evolve';
import { handle } from '../handle';
import { firstReady, outstanding, readyLanes } from '../queries';
import type { DecideContext, Need, RecordedRunEvent, RunDecision, RunMessage, ValueSource } from '../run-aggregate';
import { newRun, type RunState } from '../state';

/** A run with its log in memory: what the runner does around the aggregate, without anything that could fail. */
export class RunDriver {
  readonly log: RecordedRunEvent[] = [];
  readonly contents = new Map<string, JsonValue>();
  private readonly stores = new Map<string, ValueReference>();
  state: RunState;
  now = 1_000_000;
  random = () => 0.5;

  constructor(readonly plan: Plan) {
    this.state = newRun(plan);
  }

  /** What the state's values are read from: the log itself. */
  readonly values: ValueSource = {
    event: (version) => valueIn(this.log[version - 1]),
    content: (hash) => this.contents.get(hash),
    stored: (name) => this.stores.get(name),
  };

  handle(message: RunMessage, values: ValueSource = this.values): RunDecision {
    const before = this.state.version;
    const context: DecideContext = { now: this.now, random: this.random, values };
    const decision = handle(this.state, message, context);
    if (decision.type === 'rejected') return decision;
    decision.events.forEach((event, index) => {
      this.log.push({ ...event, version: before + index + 1, recordedAt: this.now });
    });
    decision.needs.forEach((need) => this.store(need));
    if (decision.needs.some((need) => need.type === 'store')) return this.handle({ type: 'wake' });
    return decision;
  }

  private store(need: Need): void {
    if (need.type !== 'store') return;
    const hash = `sha256:${String(this.contents.size).padStart(64, '0')}`;
    this.contents.set(hash, need.value);
    this.stores.set(need.name, { $value: hash, size: 1 });
  }

  start(inputs: JsonObject = {}): this {
    this.handle({
      type: 'start',
      command: {
        run_id: 'r1',
        workflow_id: 'w',
        workflow_version: 1,
        definition_hash: `sha256:${'0'.repeat(64)}`,
        inputs,
        labels: {},
        request_hash: 'h',
        key: 'k',
        started_by: null,
      },
    });
    return this;
  }

  ready(): string[] {
    return readyLanes(this.state).flatMap((lane) => firstReady(this.state, lane, Infinity).map(({ execution }) => execution));
  }

  outstanding(): string[] {
    return [...outstanding(this.state)].map(({ execution }) => execution);
  }

  handOut(...executions: string[]): this {
    const chosen = executions.length > 0 ? executions : this.ready();
    this.handle({ type: 'hand-out', executions: chosen.map((execution) => ({ execution, site: 's', pool: 'default' })) });
    return this;
  }

  /** The attempt that is out is reported as succeeded. */
  succeed(execution: string, outputs: JsonObject = {}): this {
    this.report(execution, { status: 'succeeded', outputs });
    return this;
  }

  fail(execution: string, failure: Partial<Failure> = {}): this {
    this.report(execution, { status: 'failed', failure: { kind: 'crash', message: 'boom', ...failure } });
    return this;
  }

  confirmCancelled(execution: string): this {
    this.report(execution, { status: 'cancelled' });
    return this;
  }

  report(execution: string, outcome: Extract<RunMessage, { type: 'ended' }>['outcome'], attempt?: number): RunDecision {
    const open = [...outstanding(this.state)].find((each) => each.execution === execution);
    return this.handle({
      type: 'ended',
      execution,
      attempt: attempt ?? open?.attempt ?? 1,
      executor: 'e1',
      outcome,
      durationMs: 10,
    });
  }

  /** Hands out one execution and reports its success. */
  run(execution: string, outputs: JsonObject = {}): this {
    return this.handOut(execution).succeed(execution, outputs);
  }

  cancel(force = false, reason = 'enough'): RunDecision {
    return this.handle({ type: 'cancel', command: { run_id: 'r1', reason, force, requested_by: null } });
  }

  wakeAt(now: number): this {
    this.now = now;
    this.handle({ type: 'wake' });
    return this;
  }

  /** What the log says of one type of event. */
  events<T extends RunEvent['type']>(type: T): EventOf<T>['data'][] {
    return this.log.filter((event) => event.type === type).map(({ data }) => data as EventOf<T>['data']);
  }

  /** The log in short: `ExecutionSucceeded fit.3`. */
  story(): string[] {
    return this.log.map(({ type, data }) => ('execution' in data && data.execution !== null ? `${type} ${data.execution}` : type));
  }

  /** The same log, folded from nothing. */
  replayed(): RunState {
    return this.log.reduce(evolve, newRun(this.plan));
  }
}

function valueIn(event: RecordedRunEvent | undefined): JsonObject | undefined {
  switch (event?.type) {
    case 'RunStarted':
      return event.data.inputs;
    case 'ExecutionSucceeded':
      return event.data.outputs;
    case 'RunSucceeded':
      return event.data.results;
    default:
      return undefined;
  }
}
