import type { EventOf, Failure } from '@ryax/contracts';
import { limits } from '@ryax/contracts';
import { shortAfter } from './memory-growth';
import { findInstance, nameOf } from './names';
import { isOutstanding } from './phase';
import { endInstance, enter, failGroup, openCollection, proceed, stopRun } from './progress';
import { countOf } from './retry-policy';
import type { RecordedRunEvent } from './run-aggregate';
import { isCollection, isGroup, type Cause, type Instance, type RunState, type StopReason } from './state';
import { shortened } from './shortened';
import { storedValue } from './stored-value';
import { setPhase } from './tally';
import { addRunTimer } from './timer';

type Recorded<T extends RecordedRunEvent['type']> = EventOf<T> & {
  readonly version: number;
  readonly recordedAt: number;
};

/**
 * Applies one event. Changes the given state in place and returns it; whoever folds a run owns its state alone. Never
 * throws and never decides: what does not fit (a second end of one attempt, an execution that is none) changes nothing.
 */
export function evolve(state: RunState, event: RecordedRunEvent): RunState {
  state.version = event.version;
  state.updatedAt = Math.max(state.updatedAt, event.recordedAt);
  apply(state, event);
  return state;
}

function apply(state: RunState, event: RecordedRunEvent): void {
  switch (event.type) {
    case 'RunStarted':
      return runStarted(state, event);
    case 'ConditionMet':
      return conditionMet(state, event);
    case 'ExecutionScheduled':
      return scheduled(state, event);
    case 'ExecutionStarted':
      return started(state, event);
    case 'ExecutionSucceeded':
      return succeeded(state, event);
    case 'ExecutionFailed':
      return failed(state, event);
    case 'ExecutionRetryScheduled':
      return retryScheduled(state, event);
    case 'ExecutionSkipped':
      return skipped(state, event);
    case 'ExecutionCancelled':
      return cancelled(state, event);
    case 'CollectionOpened':
      return collectionOpened(state, event);
    case 'CollectionClosed':
      return collectionClosed(state, event);
    case 'RunCancelRequested':
      return cancelRequested(state, event);
    case 'RunSucceeded':
      return runSucceeded(state, event);
    case 'RunFailed':
      return runFailed(state, event);
    case 'RunCancelled':
      return runCancelled(state, event);
    default:
      return event satisfies never;
  }
}

function runStarted(state: RunState, { data, version, recordedAt }: Recorded<'RunStarted'>): void {
  if (state.start !== null) return;
  state.start = { ...data, at: recordedAt, inputs: storedValue(data.inputs, version) };
  addRunTimer(state);
  enter(state, state.main, recordedAt);
}

function conditionMet(state: RunState, { data, recordedAt }: Recorded<'ConditionMet'>): void {
  const instance = findInstance(state, data.execution);
  if (instance?.phase === 'deciding') proceed(state, instance, recordedAt);
}

function scheduled(state: RunState, { data, recordedAt }: Recorded<'ExecutionScheduled'>): void {
  const instance = findInstance(state, data.execution);
  if (instance === undefined || (instance.phase !== 'ready' && instance.phase !== 'retrying')) return;
  setPhase(state, instance, 'scheduled');
  instance.parent.active++;
  state.outstanding.add(instance);
  instance.attempt = data.attempt;
  instance.site = data.site;
  instance.pool = data.pool;
  instance.executor = null;
  instance.scheduledAt = recordedAt;
}

function started(state: RunState, { data, recordedAt }: Recorded<'ExecutionStarted'>): void {
  const instance = findInstance(state, data.execution);
  if (instance?.phase !== 'scheduled' || instance.attempt !== data.attempt) return;
  setPhase(state, instance, 'started');
  instance.executor = data.executor;
  instance.startedAt = recordedAt - data.started_ms_ago;
}

function succeeded(state: RunState, { data, version, recordedAt }: Recorded<'ExecutionSucceeded'>): void {
  const instance = endingInstance(state, data.execution, data.attempt);
  if (instance === undefined) return;
  instance.outputs = storedValue(data.outputs, version);
  instance.failure = null;
  noteRunner(instance, data, recordedAt);
  endInstance(state, instance, 'succeeded', recordedAt, null);
}

function failed(state: RunState, { data, recordedAt }: Recorded<'ExecutionFailed'>): void {
  const instance = endingInstance(state, data.execution, data.attempt);
  if (instance === undefined) return;
  const failure = keptFailure(data.failure);
  if (data.attempt === null && isGroup(instance) && instance.phase === 'open') {
    return failGroup(state, instance, failure, recordedAt);
  }
  instance.failure = failure;
  instance.shortMemory = shortAfter(instance.shortMemory, data.failure);
  noteRunner(instance, data, recordedAt);
  if (data.will_retry) return awaitRetry(state, instance);
  endInstance(state, instance, 'failed', recordedAt, { execution: nameOf(instance), failure });
}

/** The time of the next attempt follows in an event of its own, in the same append. */
function awaitRetry(state: RunState, instance: Instance): void {
  setPhase(state, instance, 'retrying');
  state.outstanding.delete(instance);
  instance.parent.active--;
  instance.readyAt = null;
}

function retryScheduled(state: RunState, { data }: Recorded<'ExecutionRetryScheduled'>): void {
  const instance = findInstance(state, data.execution);
  if (instance?.phase !== 'retrying' || instance.readyAt !== null) return;
  instance[countOf(data.budget, instance.failure?.kind)]++;
  instance.readyAt = data.due_at_ms;
  state.timers.push({ at: data.due_at_ms, type: 'retry', instance });
}

function skipped(state: RunState, { data, recordedAt }: Recorded<'ExecutionSkipped'>): void {
  const instance = findInstance(state, data.execution);
  if (instance?.phase === 'deciding') endInstance(state, instance, 'skipped', recordedAt, null);
}

function cancelled(state: RunState, { data, recordedAt }: Recorded<'ExecutionCancelled'>): void {
  const instance = endingInstance(state, data.execution, data.attempt);
  if (instance !== undefined) endInstance(state, instance, 'cancelled', recordedAt, null);
}

function collectionOpened(state: RunState, { data, recordedAt }: Recorded<'CollectionOpened'>): void {
  const instance = findInstance(state, data.execution);
  if (instance?.phase === 'opening') openCollection(state, instance, data.count, recordedAt);
}

function collectionClosed(state: RunState, { data, recordedAt }: Recorded<'CollectionClosed'>): void {
  const instance = findInstance(state, data.execution);
  if (instance === undefined || instance.phase !== 'open' || instance.inner?.type !== 'collection') return;
  instance.failure = data.failure === null ? null : keptFailure(data.failure);
  instance.inner.items = null;
  endInstance(state, instance, data.state, recordedAt, causeOf(instance, instance.inner.firstFailure));
}

function causeOf(instance: Instance, inner: Cause | null): Cause | null {
  if (instance.failure === null) return null;
  return inner ?? { execution: nameOf(instance), failure: instance.failure };
}

const stopReasons = {
  user: 'run-cancelled',
  'run-timeout': 'run-timeout',
  'finally-timeout': 'finally-timeout',
} as const satisfies Record<EventOf<'RunCancelRequested'>['data']['cause'], StopReason>;

function cancelRequested(state: RunState, { data, recordedAt }: Recorded<'RunCancelRequested'>): void {
  if (state.end !== null) return;
  state.cancel ??= { reason: data.reason, cause: data.cause, requestedBy: data.requested_by, at: recordedAt };
  state.forced ||= data.force;
  if (state.mainEndedAt === null || state.forced) stopRun(state, stopReasons[data.cause], recordedAt);
}

function runSucceeded(state: RunState, { data, version, recordedAt }: Recorded<'RunSucceeded'>): void {
  state.status = 'succeeded';
  state.end = { at: recordedAt, failure: null, execution: null, results: storedValue(data.results, version) };
}

function runFailed(state: RunState, { data, recordedAt }: Recorded<'RunFailed'>): void {
  state.status = 'failed';
  state.end = { at: recordedAt, failure: keptFailure(data.failure), execution: data.execution, results: null };
}

function runCancelled(state: RunState, { recordedAt }: Recorded<'RunCancelled'>): void {
  state.status = 'cancelled';
  state.end = { at: recordedAt, failure: null, execution: null, results: null };
}

/**
 * The instance that an end speaks of, if that end applies: the outstanding attempt of this number; or, without an
 * attempt, an execution that was never handed out, a collection that could not be opened, or an open group.
 */
function endingInstance(state: RunState, execution: string, attempt: number | null): Instance | undefined {
  const instance = findInstance(state, execution);
  if (instance === undefined) return undefined;
  if (attempt !== null) return isOutstanding(instance.phase) && instance.attempt === attempt ? instance : undefined;
  const { phase } = instance;
  const isUnbegun = phase === 'deciding' || phase === 'opening' || phase === 'ready' || phase === 'retrying';
  return isUnbegun || (phase === 'open' && !isCollection(instance)) ? instance : undefined;
}

function noteRunner(
  instance: Instance,
  data: { readonly executor: string | null; readonly duration_ms: number | null },
  at: number,
): void {
  if (data.executor !== null) instance.executor = data.executor;
  if (data.duration_ms !== null) instance.startedAt = at - data.duration_ms;
}

/** Enough to say why; the whole of it is in the event. */
function keptFailure(failure: Failure): Failure {
  return shortened(failure, limits.stateValueBytes);
}
