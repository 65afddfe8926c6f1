import type { PlanEntry } from '../definition/plan';
import type { Demand, Lane } from '../placement';
import { evaluateInputs, invalidInputs } from './inputs';
import { demandOf, firstInLane } from './lanes';
import { grownResources } from './memory-growth';
import { findInstance, nameOf } from './names';
import { isOutstanding } from './phase';
import type {
  CancelRequest,
  OutstandingAttempt,
  ReadyExecution,
  ReadyWork,
  StartRequestAnswer,
  ValueSource,
} from './run-aggregate';
import type { Instance, RunState } from './state';
import { CANCEL_FORCE_AFTER_MS } from './timer';

/**
 * What there is to do for a run, as its state says: commands are derived from here, after the events that caused them
 * are committed, and again whenever it is not known whether they arrived.
 */

/** The entry that an execution is of; undefined where the plan has none of that name. */
export function entryOf(state: RunState, execution: string): PlanEntry | undefined {
  const end = execution.indexOf('.');
  return state.plan.entryById.get(end === -1 ? execution : execution.slice(0, end));
}

/** The memory that an execution was given after an attempt had run out of it, in bytes; undefined where none has. */
export function grownMemory(state: RunState, execution: string): number | undefined {
  const instance = findInstance(state, execution);
  if (instance === undefined || instance.shortMemory === null) return undefined;
  const { resources, retry } = instance.entry;
  return grownResources(resources, instance.shortMemory, retry.memory).memory_bytes;
}

/** How much could start now, apart by what it asks for. */
export function readyWork(state: RunState): ReadyWork[] {
  const work: ReadyWork[] = [];
  for (const { demand, count } of state.lanes.queues.values()) if (count > 0) work.push({ demand, count });
  return work;
}

/**
 * The first of what could start now: longest remaining path first, then who was ready first. Takes nothing away.
 *
 * @param placeFor where something that asks for this may start now, asked anew for each; undefined: nowhere, and no more of it
 */
export function firstReady<Place>(
  state: RunState,
  lane: Lane,
  limit: number,
  placeFor: (demand: Demand) => Place | undefined,
): ReadyExecution<Place>[] {
  return firstInLane(state.lanes, lane, limit, placeFor).map(({ instance, place }) => ({
    execution: nameOf(instance),
    readySince: instance.readyAt ?? state.updatedAt,
    place,
  }));
}

/** Attempts that were handed out and have not ended, in the order in which they were handed out. */
export function* outstanding(state: RunState): Generator<OutstandingAttempt> {
  for (const instance of state.outstanding) yield attemptOf(state, instance);
}

/** The outstanding attempt of an execution; undefined when none is. */
export function outstandingAttempt(state: RunState, execution: string): OutstandingAttempt | undefined {
  const instance = findInstance(state, execution);
  return instance !== undefined && isOutstanding(instance.phase) ? attemptOf(state, instance) : undefined;
}

function attemptOf(state: RunState, instance: Instance): OutstandingAttempt {
  const { attempt, site, pool, scheduledAt, parent } = instance;
  return {
    execution: nameOf(instance),
    attempt,
    site,
    pool,
    demand: demandOf(instance),
    scheduledAt: scheduledAt ?? state.updatedAt,
    cancelling: parent.stop === null ? null : { since: parent.stop.since, force: state.forced },
  };
}

/** Attempts that should be stopped now, by force once they had time to stop by themselves. */
export function cancelRequests(state: RunState, now: number): CancelRequest[] {
  const runId = state.start?.run_id ?? '';
  const requests: CancelRequest[] = [];
  for (const instance of state.outstanding) {
    const { stop } = instance.parent;
    if (stop === null) continue;
    const force = state.forced || now >= stop.since + CANCEL_FORCE_AFTER_MS;
    const { attempt, site } = instance;
    requests.push({ run_id: runId, execution: nameOf(instance), attempt, site, since: stop.since, force });
  }
  return requests;
}

/** The command that starts an outstanding attempt: the same whenever it is asked for. */
export function startRequest(state: RunState, execution: string, values: ValueSource): StartRequestAnswer {
  const instance = findInstance(state, execution);
  if (instance === undefined || state.start === null || !isOutstanding(instance.phase)) return { type: 'none' };
  const { action, resources, retry, timeoutMs } = instance.entry;
  const inputs = evaluateInputs({ state, values }, instance);
  if (inputs.type === 'needs') return inputs;
  if (inputs.type === 'fault') return { type: 'fault', failure: invalidInputs(inputs.reason) };
  if (action === null) return { type: 'none' };
  return {
    type: 'request',
    request: {
      run_id: state.start.run_id,
      workflow_id: state.start.workflow_id,
      execution,
      attempt: instance.attempt,
      action,
      inputs: inputs.value,
      resources: grownResources(resources, instance.shortMemory, retry.memory),
      timeout_ms: timeoutMs,
    },
  };
}
