import type { Failure } from '@ryax/contracts';
import type { Deciding } from './deciding';
import { evaluateInputs, invalidInputs } from './inputs';
import { findInstance } from './names';
import { collect } from './needs';
import type { HandOut } from './run-aggregate';
import { isExecution } from './state';

/**
 * Hands out what is still ready, in the order given. Inputs are made here for the first time: what they lack is asked
 * for and the execution stays ready; what cannot fit fails without an attempt.
 */
export function handOut(deciding: Deciding, executions: readonly HandOut[]): void {
  for (const { execution, site, pool } of executions) {
    const instance = findInstance(deciding.state, execution);
    if (instance?.phase !== 'ready' || !isExecution(instance)) continue;
    const inputs = evaluateInputs(deciding, instance);
    if (inputs.type === 'needs') collect(deciding.needs, inputs.needs);
    else if (inputs.type === 'fault') deciding.failWithoutAttempt(instance, invalidInputs(inputs.reason));
    else deciding.emit({ type: 'ExecutionScheduled', data: { execution, attempt: instance.attempt + 1, site, pool } });
  }
}

/** Fails what is still ready, and cannot run anywhere. */
export function refuse(deciding: Deciding, executions: readonly string[], failure: Failure): void {
  for (const execution of executions) {
    const instance = findInstance(deciding.state, execution);
    if (instance?.phase === 'ready' && isExecution(instance)) deciding.failWithoutAttempt(instance, failure);
  }
}
