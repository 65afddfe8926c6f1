import type { Failure, JsonValue } from '@ryax/contracts';
import { isReached, openedElements, requiredSuccesses } from './collections';
import type { Deciding } from './deciding';
import { endRun } from './end-run';
import { countElements, evaluate, evaluateFields } from './evaluation';
import { fitEvent } from './fit-event';
import { nameOf } from './names';
import { chain, collect, type Evaluated } from './needs';
import { emptyUpstream } from './progress';
import { viewpointOf } from './sight';
import { isCollectionDone, isOpen, isRunDone, isScopeDone, type Collection, type Instance, type Scope } from './state';

/**
 * Decides everything that can be decided now: conditions, what is skipped, how many elements a list has, how groups,
 * collections and the run ended. Each event may make more of it. What lacks a value stays unsettled, and says so.
 */
export function settle(deciding: Deciding): void {
  const { state } = deciding;
  const held: Instance[] = [];
  while (state.unsettled.length > 0) {
    const instances = state.unsettled;
    state.unsettled = [];
    for (const instance of instances) if (!settleInstance(deciding, instance)) held.push(instance);
  }
  state.unsettled = held;
  if (isOpen(state) && isRunDone(state)) endRun(deciding);
}

/** False when it still is to be settled. */
function settleInstance(deciding: Deciding, instance: Instance): boolean {
  switch (instance.phase) {
    case 'deciding':
      return judge(deciding, instance);
    case 'opening':
      return openCollection(deciding, instance);
    case 'open':
      return instance.inner?.type === 'scope'
        ? endGroup(deciding, instance, instance.inner)
        : instance.inner === null || closeCollection(deciding, instance, instance.inner);
    default:
      return true;
  }
}

/** Emits what follows from a value; false when the value is not there yet. */
function whenKnown<T>(
  deciding: Deciding,
  instance: Instance,
  subject: string,
  evaluated: Evaluated<T>,
  then: (value: T) => void,
): boolean {
  switch (evaluated.type) {
    case 'value':
      then(evaluated.value);
      return true;
    case 'fault':
      deciding.failWithoutAttempt(instance, { kind: 'invalid', message: `${subject}: ${evaluated.reason}` });
      return true;
    case 'needs':
      collect(deciding.needs, evaluated.needs);
      return false;
    default:
      return evaluated satisfies never;
  }
}

/** Whether it is skipped, with what is upstream or by its own condition. */
function judge(deciding: Deciding, instance: Instance): boolean {
  const execution = nameOf(instance);
  const upstream = emptyUpstream(deciding.state, instance);
  if (upstream !== undefined) {
    const reason = { type: 'upstream', upstream: nameOf(upstream) } as const;
    deciding.emit({ type: 'ExecutionSkipped', data: { execution, reason } });
    return true;
  }
  return whenKnown(deciding, instance, 'when', condition(deciding, instance), (isMet) => {
    if (isMet) deciding.emit({ type: 'ConditionMet', data: { execution } });
    else deciding.emit({ type: 'ExecutionSkipped', data: { execution, reason: { type: 'condition' } } });
  });
}

function condition(deciding: Deciding, instance: Instance): Evaluated<boolean> {
  const { when } = instance.entry;
  if (when === null) return { type: 'value', value: true };
  return chain(evaluate(deciding, { type: 'expression', expression: when }, viewpointOf(instance)), (found) =>
    typeof found === 'boolean' ? { type: 'value', value: found } : { type: 'fault', reason: notBoolean(found) },
  );
}

function notBoolean(found: JsonValue): string {
  return `expected true or false, found ${found === null ? 'nothing' : `a ${typeof found}`}`;
}

function openCollection(deciding: Deciding, owner: Instance): boolean {
  return whenKnown(deciding, owner, 'for_each', countElements(deciding, owner), (count) =>
    deciding.emit({ type: 'CollectionOpened', data: { execution: nameOf(owner), count } }),
  );
}

function endGroup(deciding: Deciding, group: Instance, scope: Scope): boolean {
  if (!isScopeDone(scope)) return true;
  const execution = nameOf(group);
  const { stop } = scope;
  if (stop === null) {
    const outputs = chain(evaluateFields(deciding, group.entry.groupOutputs, { scope, element: null }), (found) =>
      fitEvent(deciding.values, execution, found),
    );
    return whenKnown(deciding, group, 'outputs', outputs, (found) =>
      deciding.emit({
        type: 'ExecutionSucceeded',
        data: { execution, attempt: null, outputs: found, executor: null, duration_ms: null },
      }),
    );
  }
  if (stop.cause !== null) {
    const { kind, message } = stop.cause.failure;
    deciding.failWithoutAttempt(group, { kind, message: `${stop.cause.execution} failed: ${message}` });
  } else {
    const data = { execution, attempt: null, confirmed: true, reason: stop.reason };
    deciding.emit({ type: 'ExecutionCancelled', data });
  }
  return true;
}

function closeCollection(deciding: Deciding, owner: Instance, collection: Collection): boolean {
  if (!isCollectionDone(collection)) return true;
  const { succeeded, failed, skipped } = collection.endedAs;
  const cancelled = collection.count - succeeded - failed - skipped;
  const state = verdict(collection);
  deciding.emit({
    type: 'CollectionClosed',
    data: {
      execution: nameOf(owner),
      state,
      opened: openedElements(collection),
      counts: { succeeded, failed, skipped, cancelled },
      failure: state === 'failed' ? collectionFailure(collection) : null,
    },
  });
  return true;
}

function verdict(collection: Collection): 'succeeded' | 'failed' | 'cancelled' {
  if (collection.stop !== null) return collection.stop.cause === null ? 'cancelled' : 'failed';
  return isReached(collection) ? 'succeeded' : 'failed';
}

function collectionFailure(collection: Collection): Failure {
  const { count, endedAs, firstFailure } = collection;
  const bound = requiredSuccesses(collection);
  const summary = `${endedAs.failed} of ${count} elements failed where ${bound} must succeed`;
  if (firstFailure === null) return { kind: 'lost', message: summary };
  const { execution, failure } = firstFailure;
  return { kind: failure.kind, message: `${summary}; first ${execution}: ${failure.message}` };
}
