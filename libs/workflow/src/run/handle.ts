import { cancelRun, startRun } from './commands';
import { Deciding } from './deciding';
import { handOut, refuse } from './hand-out';
import { attemptEnded, attemptStarted, attemptVanished } from './reports';
import type { DecideContext, RunDecision, RunMessage } from './run-aggregate';
import { settle } from './settle';
import type { RunState } from './state';
import { fireTimers } from './timers';

/**
 * Decides what a message means for a run. The events that it returns are already applied to the state, which runs
 * ahead of the log until they are appended (see run-aggregate.ts for the caller's duties). Same state, message and
 * context, same decision.
 *
 * Ends and races (PROTOCOLS §10):
 *
 * | when | then |
 * |---|---|
 * | success arrives after RunCancelRequested | recorded; the run still ends cancelled |
 * | cancel again | replied to, changes nothing |
 * | cancel of a run that is failing | replied to, changes nothing: the first cause is the verdict |
 * | cancel while `finally` runs | `finally` goes on; the run ends cancelled |
 * | cancel with force | kills at once; `finally` is ended, or does not begin |
 * | run timeout while `finally` runs | nothing: `finally` has its own timer |
 * | report of an attempt that is not outstanding (late, repeated, never handed out), or of an ended run | changes nothing |
 * | last success and run timeout in one batch | the order of the messages decides; recorded once |
 * | nobody confirms a cancel | after a minute by force, after two given up: every run ends |
 */
export function handle(state: RunState, message: RunMessage, context: DecideContext): RunDecision {
  const deciding = new Deciding(state, context);
  switch (message.type) {
    case 'start':
      return startRun(deciding, message.command);
    case 'cancel':
      return cancelRun(deciding, message.command);
    case 'wake':
      fireTimers(deciding);
      break;
    case 'hand-out':
      handOut(deciding, message.executions);
      break;
    case 'refuse':
      refuse(deciding, message.executions, message.failure);
      break;
    case 'started':
      attemptStarted(deciding, message);
      break;
    case 'ended':
      attemptEnded(deciding, message);
      break;
    case 'vanished':
      attemptVanished(deciding, message);
      break;
    default:
      return message satisfies never;
  }
  settle(deciding);
  return deciding.decided(null);
}
