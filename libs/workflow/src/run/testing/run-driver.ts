import type { EventOf, Failure, JsonObject, JsonValue, RunEvent, ValueReference } from '@ryax/contracts';
import type { Heights } from '../../definition/heights';
import type { Plan } from '../../definition/plan';
import { evolve } from '../evolve';
import { handle } from '../handle';
import { firstReady, outstanding, readyWork, startRequest } from '../queries';
import {
  UnreadableValue,
  type Need,
  type OutstandingAttempt,
  type RecordedRunEvent,
  type RunDecision,
  type RunMessage,
  type ValueSource,
} from '../run-aggregate';
import { newRun, type RunState } from '../state';

export const noValues: ValueSource = { event: () => undefined, content: () => undefined, stored: () => undefined };

/** A run with its log in memory: what the runner does around the aggregate, without anything that could fail. */
export class RunDriver {
  readonly log: RecordedRunEvent[] = [];
  readonly contents = new Map<string, JsonValue>();
  private readonly stores = new Map<string, ValueReference>();
  state: RunState;
  now = 1_000_000;
  random = () => 0.5;

  constructor(
    readonly plan: Plan,
    private readonly heights?: Heights,
  ) {
    this.state = newRun(plan, heights);
  }

  /** Nothing is at hand at first: what a decision needs is loaded, and it is made again. */
  private loading(): { values: ValueSource; load: (needs: readonly Need[]) => void } {
    const loaded = new Set<number | string>();
    return {
      values: {
        event: (version) => (loaded.has(version) ? valueIn(this.log[version - 1]) : undefined),
        content: (hash) =>
          loaded.has(hash)
            ? (this.contents.get(hash) ?? new UnreadableValue(`${hash} is not in the filestore`))
            : undefined,
        stored: (name) => this.stores.get(name),
      },
      load: (needs) => {
        for (const need of needs) {
          if (need.type === 'event') loaded.add(need.version);
          else if (need.type === 'content') loaded.add(need.hash);
          else this.store(need.name, need.value);
        }
      },
    };
  }

  private store(name: string, value: JsonValue): void {
    const hash = `sha256:${String(this.contents.size).padStart(64, '0')}`;
    this.contents.set(hash, value);
    this.stores.set(name, { $value: hash, size: 1 });
  }

  /** Decides until nothing is needed any more, as the runner does. */
  handle(message: RunMessage): RunDecision {
    const { values, load } = this.loading();
    const first = this.decide(message, values);
    let decision = first;
    while (decision.type === 'decided' && decision.needs.length > 0) {
      load(decision.needs);
      decision = this.decide(message.type === 'hand-out' ? message : { type: 'wake' }, values);
    }
    return first;
  }

  /** Decides once, with the values that there are. */
  decide(message: RunMessage, values: ValueSource = noValues): RunDecision {
    const before = this.state.version;
    const decision = handle(this.state, message, { now: this.now, random: this.random, values });
    if (decision.type === 'rejected') return decision;
    decision.events.forEach((event, index) => {
      this.log.push({ ...event, version: before + index + 1, recordedAt: this.now });
    });
    return decision;
  }

  /** The inputs that an outstanding attempt is started with. */
  inputsOf(execution: string): JsonObject | undefined {
    const { values, load } = this.loading();
    for (;;) {
      const answer = startRequest(this.state, execution, values);
      if (answer.type !== 'needs') return answer.type === 'request' ? answer.request.inputs : undefined;
      load(answer.needs);
    }
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
    const lanes = new Map(readyWork(this.state).map(({ demand }) => [demand.lane.key, demand.lane]));
    return [...lanes.values()].flatMap((lane) =>
      firstReady(this.state, lane, Infinity, () => true).map(({ execution }) => execution),
    );
  }

  outstanding(): string[] {
    return this.attempts().map(({ execution }) => execution);
  }

  attempts(): OutstandingAttempt[] {
    return [...outstanding(this.state)];
  }

  handOut(...executions: string[]): this {
    const chosen = executions.length > 0 ? executions : this.ready();
    this.handle({
      type: 'hand-out',
      executions: chosen.map((execution) => ({ execution, site: 's', pool: 'default' })),
    });
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
    return this.log.map(({ type, data }) =>
      'execution' in data && data.execution !== null ? `${type} ${data.execution}` : type,
    );
  }

  /** The same log, folded from nothing. */
  replayed(): RunState {
    return this.log.reduce(evolve, newRun(this.plan, this.heights));
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
