import type { RunCancel, RunStart } from '@ryax/contracts';
import type { Deciding } from './deciding';
import { triggerInputs } from './inputs';
import type { RunDecision, RunReply } from './run-aggregate';
import { settle } from './settle';
import { isOpen, type RunStarted, type RunState } from './state';

export function startRun(deciding: Deciding, command: RunStart): RunDecision {
  const { state } = deciding;
  if (state.start !== null) return repeatedStart(deciding, command, state.start);
  const checked = triggerInputs(state.plan, command.inputs);
  if (checked.type === 'faults') {
    const message = 'The inputs do not fit what the workflow declares';
    return { type: 'rejected', rejection: { code: 'invalid', message, details: [...checked.faults] } };
  }
  deciding.emit({
    type: 'RunStarted',
    data: {
      ...command,
      inputs: checked.inputs,
      trigger: { kind: 'manual', occurrence: null },
      origin: null,
      parent: null,
    },
  });
  settle(deciding);
  return deciding.decided(replyOf(command, state));
}

/** Repeats happen by themselves and are told the same; another request under the same key is a mistake. */
function repeatedStart(deciding: Deciding, command: RunStart, started: RunStarted): RunDecision {
  if (command.request_hash === started.request_hash) return deciding.decided(replyOf(started, deciding.state));
  const message = `Expected the same request under the key ${JSON.stringify(command.key)}, found another one`;
  return { type: 'rejected', rejection: { code: 'key-reused', message } };
}

export function cancelRun(deciding: Deciding, command: RunCancel): RunDecision {
  const { state } = deciding;
  if (state.start === null) {
    return {
      type: 'rejected',
      rejection: { code: 'not-found', message: `Expected run ${command.run_id}, found none` },
    };
  }
  if (changesSomething(state, command)) {
    const { reason, force, requested_by } = command;
    deciding.emit({ type: 'RunCancelRequested', data: { reason, force, cause: 'user', requested_by } });
    settle(deciding);
  }
  return deciding.decided(replyOf(state.start, state));
}

function replyOf(
  { run_id: runId, workflow_version: workflowVersion }: Pick<RunStart, 'run_id' | 'workflow_version'>,
  { status }: RunState,
): RunReply {
  return { runId, workflowVersion, state: status };
}

/** The first cancel of a run that was not failing, and the first with force. */
function changesSomething(state: RunState, { force }: RunCancel): boolean {
  if (!isOpen(state)) return false;
  return (force && !state.forced) || (state.cancel === null && state.main.stop === null);
}
