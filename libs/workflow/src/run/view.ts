import type { Failure, JsonObject } from '@ryax/contracts';
import type { PlanEntry } from '../definition/plan';
import { findInstance } from './names';
import { phases, type Phase } from './phase';
import type { ExecutionStatus, RunStatus } from './run-aggregate';
import { executionPage, type ExecutionPage, type ExecutionPageRequest } from './execution-page';
import type { Counts, Instance, RunState } from './state';
import { optionalTimestamp, statusOf, statusOfPhase, timestamp, unbegunStatus } from './status';

/** A run as its users see it; JSON, snake_case. Times are ISO 8601, in UTC. */
export interface RunView extends ExecutionPage {
  readonly run_id: string;
  readonly workflow_id: string;
  readonly workflow_version: number;
  readonly definition_hash: string;
  /** The run's version: how many events it has. */
  readonly version: number;
  readonly state: RunStatus;
  readonly labels: Readonly<Record<string, string>>;
  readonly key: string;
  readonly started_by: string | null;
  readonly trigger: JsonObject;
  readonly origin: JsonObject | null;
  readonly parent: JsonObject | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly ended_at: string | null;
  readonly duration_ms: number | null;
  /** Executions of actions that have ended, and what never will begin (as skipped or cancelled). */
  readonly counts: Readonly<Counts>;
  readonly cancel: CancelView | null;
  /** Why the run failed, or is failing. */
  readonly failure: RunFailureView | null;
  /** The definition's entries, each group before what is in it, those of `finally` last. */
  readonly actions: readonly ActionView[];
  readonly actions_total: number;
}

export interface CancelView {
  readonly reason: string;
  readonly cause: 'user' | 'run-timeout' | 'finally-timeout';
  readonly requested_by: string | null;
  readonly requested_at: string;
  readonly force: boolean;
}

export interface RunFailureView extends Failure {
  /** The first cause; null when the run itself failed. */
  readonly execution: string | null;
}

/** One entry of the definition, over all its executions. */
export interface ActionView {
  readonly id: string;
  readonly kind: 'action' | 'group';
  /** The group around it. */
  readonly group: string | null;
  readonly in_finally: boolean;
  /** Under `for_each` the collection's; null inside a `for_each`, where it has many. */
  readonly state: ExecutionStatus | null;
  /** Null without `for_each` of its own, and inside another. */
  readonly for_each: { readonly count: number | null; readonly opened: number } | null;
  /** Its executions (for a group, its instances) by state; states that none is in are left out. */
  readonly counts: Readonly<Partial<Record<ExecutionStatus, number>>>;
  /** Attempts made of it; 0 for a group and under `for_each`, where each execution has its own. */
  readonly attempts: number;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly failure: Failure | null;
}

export interface RunViewRequest extends ExecutionPageRequest {
  readonly actionsLimit?: number;
}

const DEFAULT_ACTIONS = 1_000;

/** Undefined before RunStarted. */
export function describeRun(state: RunState, request: RunViewRequest = {}): RunView | undefined {
  const { start, end, plan } = state;
  if (start === null) return undefined;
  const { at, inputs: _, ...facts } = start;
  return {
    run_id: facts.run_id,
    workflow_id: facts.workflow_id,
    workflow_version: facts.workflow_version,
    definition_hash: facts.definition_hash,
    version: state.version,
    state: state.status,
    labels: facts.labels,
    key: facts.key,
    started_by: facts.started_by,
    trigger: facts.trigger,
    origin: facts.origin,
    parent: facts.parent,
    created_at: timestamp(at),
    updated_at: timestamp(state.updatedAt),
    ended_at: optionalTimestamp(end?.at),
    duration_ms: end === null ? null : end.at - at,
    counts: { ...state.counts },
    cancel: cancelView(state),
    failure: failureView(state),
    actions: describeActions(state, request.actionsLimit ?? DEFAULT_ACTIONS),
    actions_total: plan.entries.length,
    ...executionPage(state, request),
  };
}

function cancelView({ cancel, forced }: RunState): CancelView | null {
  if (cancel === null) return null;
  const { reason, cause, requestedBy: requested_by, at } = cancel;
  return { reason, cause, requested_by, requested_at: timestamp(at), force: forced };
}

function failureView({ end, main }: RunState): RunFailureView | null {
  if (end !== null) return end.failure === null ? null : { ...end.failure, execution: end.execution };
  const cause = main.stop?.cause ?? null;
  return cause === null ? null : { ...cause.failure, execution: cause.execution };
}

function describeActions(state: RunState, limit: number): ActionView[] {
  return state.plan.entries.slice(0, limit).map((entry) => describeAction(state, entry));
}

function describeAction(state: RunState, entry: PlanEntry): ActionView {
  const isSingle = entry.depth === (entry.forEach === null ? 0 : 1);
  const instance = isSingle ? findInstance(state, entry.id) : undefined;
  const collection = instance?.inner?.type === 'collection' ? instance.inner : null;
  const { count, elements } = collection ?? { count: null, elements: [] };
  return {
    id: entry.id,
    kind: entry.kind,
    group: state.plan.entries[entry.parent ?? -1]?.id ?? null,
    in_finally: entry.inFinally,
    state: isSingle ? entryStatus(state, entry, instance) : null,
    for_each: entry.forEach !== null && isSingle ? { count, opened: elements.length } : null,
    counts: countsOf(state, entry),
    attempts: instance?.attempt ?? 0,
    started_at: optionalTimestamp(instance?.startedAt ?? instance?.scheduledAt),
    ended_at: optionalTimestamp(instance?.endedAt),
    failure: instance?.failure ?? null,
  };
}

/** What has not begun waits, unless what is around it says that it never will. */
function entryStatus(state: RunState, entry: PlanEntry, instance: Instance | undefined): ExecutionStatus {
  if (instance !== undefined) return statusOf(instance);
  const group = state.plan.entries[entry.parent ?? -1];
  if (group === undefined) return unbegunStatus(entry.inFinally ? state.finally : state.main);
  const around = entryStatus(state, group, findInstance(state, group.id));
  return around === 'skipped' ? 'skipped' : unbegunStatusIn(around);
}

function unbegunStatusIn(around: ExecutionStatus): ExecutionStatus {
  return around === 'failed' || around === 'cancelled' || around === 'cancelling' ? 'cancelled' : 'waiting';
}

function countsOf(state: RunState, entry: PlanEntry): Partial<Record<ExecutionStatus, number>> {
  const counts: Partial<Record<ExecutionStatus, number>> = {};
  phases.forEach((phase: Phase, index) => {
    const count = state.tally[entry.number * phases.length + index] ?? 0;
    const status = statusOfPhase(phase, false);
    if (count > 0) counts[status] = (counts[status] ?? 0) + count;
  });
  return counts;
}
