import { limits, type Failure, type JsonObject } from '@ryax/contracts';
import type { Deciding } from './deciding';
import { missingOutput } from './inputs';
import { findInstance } from './names';
import { isOutstanding } from './phase';
import { nextRetry } from './retry-policy';
import type { RunMessage } from './run-aggregate';
import { shortened } from './shortened';
import type { Instance, Stop } from './state';

/**
 * What executors, or their absence, say about attempts; and the runner itself of one whose start cannot be sent.
 *
 * | report | scope runs | scope is being stopped |
 * |---|---|---|
 * | succeeded | succeeded, or failed (invalid) when a declared output is not there | the same: recorded, changes no verdict |
 * | failed | failed; retried if its kind's budget has room | failed, never retried |
 * | cancelled | failed (lost): nobody asked for it | cancelled, confirmed |
 * | vanished | failed (lost); retried | cancelled, confirmed: it runs nowhere |
 */
type MessageOf<T extends RunMessage['type']> = Extract<RunMessage, { type: T }>;

interface Ending {
  readonly executor: string | null;
  readonly durationMs: number | null;
}

export function attemptStarted(
  deciding: Deciding,
  { execution, attempt, executor, startedMsAgo }: MessageOf<'started'>,
): void {
  if (outstandingAttempt(deciding, execution, attempt)?.phase !== 'scheduled') return;
  deciding.emit({ type: 'ExecutionStarted', data: { execution, attempt, executor, started_ms_ago: startedMsAgo } });
}

export function attemptEnded(deciding: Deciding, message: MessageOf<'ended'>): void {
  const instance = outstandingAttempt(deciding, message.execution, message.attempt);
  if (instance === undefined) return;
  const { outcome } = message;
  switch (outcome.status) {
    case 'succeeded':
      return succeeded(deciding, instance, message, outcome.outputs, outcome.warnings);
    case 'failed':
      return failed(deciding, instance, message.execution, outcome.failure, message);
    case 'cancelled':
      return stopped(deciding, instance, message.execution, 'The attempt was stopped, and not by the engine', message);
    default:
      return outcome satisfies never;
  }
}

export function attemptVanished(deciding: Deciding, { execution, attempt, reason }: MessageOf<'vanished'>): void {
  const instance = outstandingAttempt(deciding, execution, attempt);
  if (instance !== undefined) stopped(deciding, instance, execution, reason, { executor: null, durationMs: null });
}

function outstandingAttempt(deciding: Deciding, execution: string, attempt: number): Instance | undefined {
  const instance = findInstance(deciding.state, execution);
  return instance !== undefined && isOutstanding(instance.phase) && instance.attempt === attempt ? instance : undefined;
}

function succeeded(
  deciding: Deciding,
  instance: Instance,
  message: MessageOf<'ended'>,
  outputs: JsonObject,
  warnings: string[] | undefined,
): void {
  const { execution, attempt, executor, durationMs: duration_ms } = message;
  const missing = missingOutput(instance.entry.outputs, outputs);
  if (missing !== undefined) {
    const failure: Failure = { kind: 'invalid', message: `outputs.${missing}: expected a value, found nothing` };
    return failed(deciding, instance, execution, failure, message);
  }
  deciding.emit({
    type: 'ExecutionSucceeded',
    data: { execution, attempt, outputs, executor, duration_ms, ...(warnings === undefined ? {} : { warnings }) },
  });
}

/** It runs no more and has no result: as asked, or by a loss. */
function stopped(deciding: Deciding, instance: Instance, execution: string, message: string, ending: Ending): void {
  const { stop } = instance.parent;
  if (stop === null) failed(deciding, instance, execution, { kind: 'lost', message }, ending);
  else confirmCancelled(deciding, instance, execution, stop, true);
}

export function confirmCancelled(
  deciding: Deciding,
  instance: Instance,
  execution: string,
  stop: Stop,
  confirmed: boolean,
): void {
  const { attempt } = instance;
  deciding.emit({ type: 'ExecutionCancelled', data: { execution, attempt, confirmed, reason: stop.reason } });
}

function failed(deciding: Deciding, instance: Instance, execution: string, reported: Failure, ending: Ending): void {
  const { attempt, entry, parent } = instance;
  const failure = shortened(reported, limits.inlineValueBytes);
  const { executor, durationMs: duration_ms } = ending;
  const retry = parent.stop === null ? nextRetry(failure.kind, entry.retry, instance, deciding.context.random) : null;
  const data = { execution, attempt, failure, will_retry: retry !== null, executor, duration_ms };
  deciding.emit({ type: 'ExecutionFailed', data });
  if (retry === null) return;
  const { budget, delayMs: delay_ms } = retry;
  const due_at_ms = deciding.now + delay_ms;
  deciding.emit({
    type: 'ExecutionRetryScheduled',
    data: { execution, attempt: attempt + 1, delay_ms, due_at_ms, budget },
  });
}
