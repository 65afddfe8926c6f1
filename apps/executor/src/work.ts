import { limits, type ActionToRun, type Outcome, type Start } from '@ryax/contracts';
import { unlessAborted, type Clock, type Owner } from '@ryax/platform';
import type { AttemptLog } from './attempt-log';
import { jsonSize } from './json-size';
import type { AttemptEnd, Launch, LogSink, RunningAttempt } from './launcher';
import type { Taken } from './held-attempt';
import type { Timers } from './timers';

/** What is being done for an attempt. */
export interface Work {
  /** Asks it to stop, or kills it. Its end comes in the ordinary way. */
  cancel(force: boolean): void;
}

/** Told once, when the work has ended and its log is complete, or is not ours any more. Never before the work was begun. */
export type Ended = (end: AttemptEnd | 'left') => void;

export type Launched = Exclude<ActionToRun, { type: 'builtin' }>;

/** What an event holds besides the outputs of a success. */
const eventFrameBytes = 4 * 1024;

/** `core/noop` gives back its inputs, references and all. It takes no time, so it is its own outcome. */
export function noopOutcome({ inputs }: Start): Outcome {
  const mostBytes = limits.eventBytes - eventFrameBytes;
  // A UTF-16 unit is six bytes of JSON at the worst: only what is near the limit has to be measured.
  const bytes = 6 * jsonSize(inputs) <= mostBytes ? 0 : Buffer.byteLength(JSON.stringify(inputs));
  if (bytes <= mostBytes) return { status: 'succeeded', outputs: inputs };
  const message = `Expected inputs of at most ${mostBytes} bytes in all, found ${bytes}`;
  return { status: 'failed', failure: { kind: 'invalid', message } };
}

/** Begins `core/sleep`: a timer and nothing else. */
export function beginSleep(start: Start, clock: Clock, timers: Timers, ended: Ended): Work {
  const since = clock.monotonicMs();
  const end = (outcome: Outcome) => {
    timer.cancel();
    ended({ outcome, durationMs: clock.monotonicMs() - since });
  };
  const { delayMs, outcome } = sleepPlan(start);
  const timer = timers.after(delayMs, () => end(outcome));
  return { cancel: () => end({ status: 'cancelled' }) };
}

/** How long it sleeps and what then becomes of it: the time limit ends it where it comes first. */
function sleepPlan({ inputs, timeout_ms }: Start): { readonly delayMs: number; readonly outcome: Outcome } {
  const { seconds } = inputs;
  if (typeof seconds !== 'number' || !(seconds >= 0)) {
    const message = `Expected the input seconds to be a number of at least 0, found ${JSON.stringify(seconds)}`;
    return { delayMs: 0, outcome: { status: 'failed', failure: { kind: 'invalid', message } } };
  }
  const sleepMs = seconds * 1000;
  if (timeout_ms === null || sleepMs <= timeout_ms)
    return { delayMs: sleepMs, outcome: { status: 'succeeded', outputs: {} } };
  const message = `The time limit of ${timeout_ms} ms passed`;
  return { delayMs: timeout_ms, outcome: { status: 'failed', failure: { kind: 'timeout', message } } };
}

export interface LaunchContext {
  readonly timers: Timers;
  readonly owner: Owner;
  /** How long an outcome waits for its log to be confirmed. */
  readonly logEndMs: number;
}

/** Begins a process or pod. Its outcome counts once its log is with the broker, so that a reader of both misses nothing. */
export function beginLaunch(
  name: string,
  launch: (sink: LogSink) => RunningAttempt,
  log: AttemptLog,
  { timers, owner, logEndMs }: LaunchContext,
  ended: Ended,
): Work {
  const running = launch(log);
  owner.run(`attempt ${name}`, async (signal) => {
    // No launcher holds up an executor that ends.
    const end = await unlessAborted(running.ended.catch(launcherFailed), signal);
    // What is not ours any more has its log ended by whoever it belongs to.
    if (end !== 'left') await timers.atMost(logEndMs, log.end());
    ended(end);
  });
  return running;
}

/** Against its promise. Whatever it did to the attempt, the run must go on. */
function launcherFailed(error: unknown): AttemptEnd {
  const message = `The launcher failed: ${error instanceof Error ? error.message : String(error)}`;
  return { outcome: { status: 'failed', failure: { kind: 'lost', message } }, durationMs: 0 };
}

export function launchOf({ start, since }: Taken, action: Launched): Launch {
  const { traceparent } = start;
  return {
    project: start.project,
    runId: start.run_id,
    workflowId: start.workflow_id,
    execution: start.execution,
    attempt: start.attempt,
    action,
    inputs: start.inputs,
    resources: start.resources,
    timeoutMs: start.timeout_ms,
    origin: { replyPartition: start.reply_partition, since, traceparent },
  };
}
