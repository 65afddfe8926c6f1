import {
  EVENT_SCHEMA,
  eventSchemas,
  type DomainEvent,
  type EventOf,
  type EventType,
  type JsonObject,
} from '@ryax/contracts';
import type { StoredEvent } from '@ryax/event-log';
import {
  cancelRequests,
  decideAction,
  decideWorkflow,
  entryOf,
  grownMemory,
  evolve,
  evolveAction,
  evolveWorkflow,
  firstReady,
  handle,
  isOpen,
  newAction,
  newRun,
  newWorkflow,
  nextWakeup,
  outstanding,
  outstandingAttempt,
  readyWork,
  restore,
  RUN_STATE_SCHEMA,
  snapshot,
  startRequest,
  type ActionMessage,
  type CancelRequest,
  type DecideContext,
  type Demand,
  type Heights,
  type Lane,
  type OutstandingAttempt,
  type Plan,
  type PlanEntry,
  type ReadyExecution,
  type ReadyWork,
  type RecordedRunEvent,
  type RunMessage,
  type RunReply,
  type RunSnapshot,
  type RunState,
  type StartRequestAnswer,
  type ValueSource,
  type WorkflowMessage,
} from '@ryax/workflow';
import type { Aggregate, Handled } from './stream';

/** Rough memory of a folded run: what it costs at rest, and for each event of its stream. */
const runBytes = 4_000;
const bytesPerEvent = 300;

/** An event in the log is of a type or a schema that this version does not read: somebody newer has written it. */
export class UnreadableEventError extends Error {
  readonly code = 'unreadable-event';

  constructor(readonly event: Pick<StoredEvent, 'streamId' | 'version' | 'type' | 'schema'>) {
    super(
      `Expected an event that this version reads at ${event.streamId}@${event.version}, found ${event.type} of schema ${event.schema}`,
    );
    this.name = 'UnreadableEventError';
  }
}

/** A run, folded by the functions of `libs/workflow`. */
export class RunAggregate implements Aggregate<RunMessage> {
  static readonly snapshotSchema = RUN_STATE_SCHEMA;

  private constructor(private readonly state: RunState | undefined) {}

  /** No such run, and no definition to begin one with. */
  static absent(): RunAggregate {
    return new RunAggregate(undefined);
  }

  static empty(plan: Plan, heights?: Heights): RunAggregate {
    return new RunAggregate(newRun(plan, heights));
  }

  static restore(plan: Plan, text: string, heights?: Heights): RunAggregate {
    return new RunAggregate(restore(plan, JSON.parse(text) as RunSnapshot, heights));
  }

  get isAbsent(): boolean {
    return this.state === undefined;
  }

  get isOpen(): boolean {
    return this.state !== undefined && isOpen(this.state);
  }

  get nextWakeup(): number | null {
    return this.state === undefined ? null : nextWakeup(this.state);
  }

  /** Database time of the newest event that the state holds. */
  get updatedAt(): number {
    return this.state?.updatedAt ?? 0;
  }

  get bytes(): number {
    return runBytes + (this.state?.version ?? 0) * bytesPerEvent;
  }

  handle(message: RunMessage, context: DecideContext): Handled {
    const decision = handle(this.present, message, context);
    if (decision.type === 'rejected') return decision;
    return { ...decision, reply: decision.reply === null ? null : resultOf(decision.reply) };
  }

  apply(event: StoredEvent): void {
    const { type, version, recordedAt } = event;
    evolve(this.present, { type, data: readData(event), version, recordedAt } as RecordedRunEvent);
  }

  get plan(): Plan {
    return this.present.plan;
  }

  entryOf(execution: string): PlanEntry | undefined {
    return entryOf(this.present, execution);
  }

  /** The memory that an execution was given after an attempt had run out of it, in bytes. */
  grownMemory(execution: string): number | undefined {
    return grownMemory(this.present, execution);
  }

  get readyWork(): readonly ReadyWork[] {
    return this.state === undefined ? [] : readyWork(this.state);
  }

  firstReady<Place>(
    lane: Lane,
    limit: number,
    placeFor: (demand: Demand) => Place | undefined,
  ): readonly ReadyExecution<Place>[] {
    return firstReady(this.present, lane, limit, placeFor);
  }

  get outstanding(): Iterable<OutstandingAttempt> {
    return this.state === undefined ? [] : outstanding(this.state);
  }

  outstandingAttempt(execution: string): OutstandingAttempt | undefined {
    return outstandingAttempt(this.present, execution);
  }

  startRequest(execution: string, values: ValueSource): StartRequestAnswer {
    return startRequest(this.present, execution, values);
  }

  cancelRequests(now: number): readonly CancelRequest[] {
    return this.state === undefined ? [] : cancelRequests(this.state, now);
  }

  snapshot(): string {
    return JSON.stringify(snapshot(this.present));
  }

  private get present(): RunState {
    if (this.state === undefined) throw new Error('Expected a run, found none');
    return this.state;
  }
}

/** The versions of one workflow. */
export class WorkflowAggregate implements Aggregate<WorkflowMessage> {
  private state = newWorkflow();
  readonly isOpen = false;
  readonly nextWakeup = null;
  readonly bytes = 2_000;

  handle(message: WorkflowMessage): Handled {
    const decision = decideWorkflow(this.state, message);
    if (decision.type === 'rejected') return decision;
    for (const event of decision.events) this.state = evolveWorkflow(this.state, event);
    return { ...decision, needs: [] };
  }

  apply(event: StoredEvent): void {
    this.state = evolveWorkflow(this.state, { type: event.type, data: readData(event) } as EventOf<
      'WorkflowDeployed' | 'WorkflowUndeployed'
    >);
  }
}

function resultOf({ runId, workflowVersion, state }: RunReply): JsonObject {
  return { run_id: runId, workflow_version: workflowVersion, state };
}

/** One `id@version` of the catalogue. */
export class ActionAggregate implements Aggregate<ActionMessage> {
  private state = newAction();
  readonly isOpen = false;
  readonly nextWakeup = null;
  readonly bytes = 2_000;

  handle(message: ActionMessage): Handled {
    const decision = decideAction(this.state, message);
    if (decision.type === 'rejected') return decision;
    for (const event of decision.events) this.state = evolveAction(this.state, event);
    return { ...decision, needs: [] };
  }

  apply(event: StoredEvent): void {
    this.state = evolveAction(this.state, { type: event.type, data: readData(event) } as EventOf<'ActionPublished'>);
  }
}

/** What we wrote ourselves is trusted as it stands; what we do not know is never skipped. */
function readData(event: StoredEvent): DomainEvent['data'] | JsonObject {
  if (!isKnown(event.type) || event.schema > EVENT_SCHEMA) throw new UnreadableEventError(event);
  return JSON.parse(event.data) as DomainEvent['data'];
}

function isKnown(type: string): type is EventType {
  return Object.hasOwn(eventSchemas, type);
}
