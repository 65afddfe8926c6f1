import type {
  Cancel,
  Failure,
  JsonObject,
  JsonValue,
  Outcome,
  Rejection,
  RunCancel,
  RunEvent,
  RunStart,
  Start,
  ValueReference,
} from '@ryax/contracts';
import type { Demand } from '../placement';

/**
 * The run aggregate's surface: what goes in and what comes out. Time, randomness and values that the state does not
 * hold come in with the message; what to do comes out as events and as queries over the state.
 *
 * The caller's duties, in order:
 *
 * 1. `handle(state, message, context)`. The events that it returns are ALREADY applied to the state.
 * 2. Append those events at `version + 1` with `recordedAt = context.now`. If the append fails or nothing is known of
 *    it, drop the state: it has run ahead of the log.
 * 3. If `needs` is not empty, load them and handle a `wake` (or hand out the same executions again): the events were
 *    decided without them and stand for themselves; what needs them is still open in the state.
 * 4. Act: start what was scheduled (`startRequest`), stop what `cancelRequests` names, answer the `reply`.
 */

/** What may happen to a run. */
export type RunMessage =
  | { readonly type: 'start'; readonly command: RunStart }
  | { readonly type: 'cancel'; readonly command: RunCancel }
  /** A timer of the run may be due, or a needed value was loaded. Also settles a run after it was folded. */
  | { readonly type: 'wake' }
  /** The runner has room for these executions of the run's ready work, in this order. */
  | { readonly type: 'hand-out'; readonly executions: readonly HandOut[] }
  /** No pool can run these executions of the run's ready work, and none is waited for any more. */
  | { readonly type: 'refuse'; readonly executions: readonly string[]; readonly failure: Failure }
  | {
      readonly type: 'started';
      readonly execution: string;
      readonly attempt: number;
      readonly executor: string;
      readonly startedMsAgo: number;
    }
  | {
      readonly type: 'ended';
      readonly execution: string;
      readonly attempt: number;
      /** null: it was never sent to one. */
      readonly executor: string | null;
      readonly outcome: Outcome;
      readonly durationMs: number | null;
    }
  /** Nobody holds the attempt and nobody will: lost with its holder, or a cancel confirmed by absence. */
  | { readonly type: 'vanished'; readonly execution: string; readonly attempt: number; readonly reason: string };

export interface HandOut {
  readonly execution: string;
  readonly site: string;
  readonly pool: string;
}

export interface DecideContext {
  /** Database time in ms, never below the stream's last event. */
  readonly now: number;
  /** Numbers in [0, 1) for full jitter; what is drawn is recorded in the event. */
  readonly random: () => number;
  readonly values: ValueSource;
}

/** Stands in the place of a value that cannot be had: asking again changes nothing, and what was to be made of it fails. */
export class UnreadableValue {
  constructor(readonly reason: string) {}
}

/** Values that a run's state does not hold: loaded by the runner when a decision says that it needs them. */
export interface ValueSource {
  /** Outputs (or, for version 1, inputs) recorded by the event at this version of the stream; undefined when not loaded. */
  event(version: number): JsonObject | undefined;
  /** Content of a `$value` reference, all of it; undefined when not loaded. */
  content(hash: string): JsonValue | UnreadableValue | undefined;
  /** Where the runner has put the value that a `store` need named so; undefined when it has not. */
  stored(name: string): ValueReference | undefined;
}

export type Need =
  | { readonly type: 'event'; readonly version: number }
  | { readonly type: 'content'; readonly hash: string }
  /** Too large for an event: to be written to the filestore first, then mentioned by reference. */
  | { readonly type: 'store'; readonly name: string; readonly value: JsonValue };

export type RunDecision =
  /**
   * Possibly no events: a plain repeat, a report of a closed attempt. `reply` is for the asker of a command. `needs`
   * is what could not be decided yet, and why.
   */
  | {
      readonly type: 'decided';
      readonly events: readonly RunEvent[];
      readonly reply: RunReply | null;
      readonly needs: readonly Need[];
    }
  /** Nothing was changed. */
  | { readonly type: 'rejected'; readonly rejection: Rejection };

export interface RunReply {
  readonly runId: string;
  /** That the run pins, whatever a repeat of its start names. */
  readonly workflowVersion: number;
  readonly state: RunStatus;
}

/** An event as it stands in the run's stream. `recordedAt` is the `now` of the decision that made it. */
export type RecordedRunEvent = RunEvent & { readonly version: number; readonly recordedAt: number };

/**
 * `cancelling` and `failing`: what runs is being stopped; `finalizing`: `finally` runs. The verdict is only known once
 * the run has ended, since `finally` may fail, too.
 */
export type RunStatus = 'running' | 'cancelling' | 'failing' | 'finalizing' | 'succeeded' | 'failed' | 'cancelled';

export type ExecutionStatus =
  | 'waiting'
  | 'ready'
  | 'scheduled'
  | 'running'
  | 'retrying'
  | 'cancelling'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'cancelled';

/** Ready work that asks for the same. */
export interface ReadyWork {
  readonly demand: Demand;
  readonly count: number;
}

/** Work that could start now, and where. */
export interface ReadyExecution<Place> {
  readonly execution: string;
  readonly readySince: number;
  readonly place: Place;
}

/** An attempt that was handed out and has not ended. */
export interface OutstandingAttempt {
  readonly execution: string;
  readonly attempt: number;
  readonly site: string;
  readonly pool: string;
  readonly demand: Demand;
  readonly scheduledAt: number;
  /** Set when it should be stopped. */
  readonly cancelling: { readonly since: number; readonly force: boolean } | null;
}

/** The command that starts an outstanding attempt, as far as the run knows it. Large inputs are still inline. */
export type StartRequest = Omit<Start, 'valid_for_ms' | 'reply_partition' | 'project' | 'traceparent'>;
export type StartRequestAnswer =
  | { readonly type: 'request'; readonly request: StartRequest }
  | { readonly type: 'needs'; readonly needs: readonly Need[] }
  /** Its inputs could be made when it was handed out, and no longer: what they are made of is not there any more. */
  | { readonly type: 'fault'; readonly failure: Failure }
  /** There is no such outstanding attempt. */
  | { readonly type: 'none' };

/** An attempt that should be stopped. */
export type CancelRequest = Omit<Cancel['attempts'][number], 'project' | 'reply_partition'> & {
  readonly site: string;
  readonly since: number;
};

/** Answers "why has this not started?" by the predicate that holds it. */
export interface WaitReason {
  readonly type: 'dependencies' | 'value' | 'window' | 'capacity' | 'retry' | 'cancelling' | 'nothing';
  readonly message: string;
  readonly since: number | null;
  /** Executions that it waits for. */
  readonly waitsFor: readonly string[];
}
