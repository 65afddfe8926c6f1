import type { Failure } from '@ryax/contracts';
import type { Deciding } from './deciding';
import { evaluateFields } from './evaluation';
import { fitEvent } from './fit-event';
import { chain, collect } from './needs';
import type { Cause, RunState } from './state';

/**
 * How a run ends, once nothing of it runs any more. The first of these that applies:
 *
 * | what happened | the run |
 * |---|---|
 * | an action failed under `on_failure: fail` before anybody asked to stop | failed, by that first cause |
 * | somebody cancelled it, be it only while `finally` ran | cancelled |
 * | its time limit, or that of `finally`, passed | failed: timeout |
 * | an action of `finally` failed under `on_failure: fail` | failed, by that cause |
 * | its results cannot be made | failed: invalid |
 * | none of these | succeeded |
 */
export function endRun(deciding: Deciding): void {
  const { state } = deciding;
  const cause = state.main.stop?.cause ?? null;
  if (cause !== null) return runFailed(deciding, cause.failure, cause);
  if (state.cancel?.cause === 'user') {
    return deciding.emit({ type: 'RunCancelled', data: { reason: state.cancel.reason, counts: { ...state.counts } } });
  }
  if (state.cancel !== null) return runFailed(deciding, timeoutFailure(state, state.cancel.cause), null);
  if (state.finallyCause !== null) return runFailed(deciding, state.finallyCause.failure, state.finallyCause);
  succeed(deciding);
}

function succeed(deciding: Deciding): void {
  const { state } = deciding;
  const results = chain(evaluateFields(deciding, state.plan.results, { scope: state.main, element: null }), (found) =>
    fitEvent(deciding.values, 'results', found),
  );
  if (results.type === 'needs') collect(deciding.needs, results.needs);
  else if (results.type === 'fault')
    runFailed(deciding, { kind: 'invalid', message: `results: ${results.reason}` }, null);
  else deciding.emit({ type: 'RunSucceeded', data: { results: results.value, counts: { ...state.counts } } });
}

function runFailed(deciding: Deciding, failure: Failure, cause: Cause | null): void {
  deciding.emit({
    type: 'RunFailed',
    data: { failure, execution: cause?.execution ?? null, counts: { ...deciding.state.counts } },
  });
}

function timeoutFailure({ plan }: RunState, cause: 'run-timeout' | 'finally-timeout'): Failure {
  return cause === 'run-timeout'
    ? { kind: 'timeout', message: `The run did not end within ${plan.timeoutMs} ms` }
    : { kind: 'timeout', message: `finally did not end within ${plan.finallyTimeoutMs} ms` };
}
