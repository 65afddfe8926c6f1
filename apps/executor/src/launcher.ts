import type { ActionToRun, JsonObject, Outcome, Prewarm, Resources } from '@ryax/contracts';
import type { Addressed } from './attempt-name';

/**
 * What turns an attempt into work: a process of this machine, or a pod. A launcher holds no truth; it knows only what
 * runs now. It never decides about capacity, leases or retries: its caller has done so.
 */
export interface Launcher {
  /**
   * Starts an attempt at once and returns its handle. Never throws: whatever goes wrong is the outcome.
   * `sink` receives output as it comes, in order; it is complete before the outcome resolves.
   */
  launch(launch: Launch, sink: LogSink): RunningAttempt;
  /**
   * Makes handlers warm that may be wanted soon, as far as {@link Keeper.mayMakeAhead} when their turn comes. Advice: whatever goes wrong
   * is no caller's concern. Undefined where nothing is made ahead.
   */
  readonly prewarm?: ((wanted: Prewarm) => void) | undefined;
  /** Where the work goes on when its executor is gone. */
  readonly kept?: KeptWork | undefined;
  /** Ends every process, and lets go of what is kept where it still holds any; resolves when that is done. */
  close(): Promise<void>;
}

/** Work that outlives its executor, and is then answered for by another one of its site. */
export interface KeptWork {
  /** Finds what there is; before any message is taken. */
  open(keeper: Keeper): Promise<void>;
  /** A runner has said which executors live at this site, ourselves included: what the others have left may become ours. */
  alive(incarnations: readonly string[]): void;
  /**
   * Whether there is work of an attempt that we do not hold, or may be, as when we leave and cannot tell any more. Then somebody else
   * answers for it, now or soon.
   */
  exists(attempt: Pick<Addressed, 'project' | 'run_id' | 'execution' | 'attempt'>): Promise<boolean>;
  /** Its outcome is with the broker, and will be in the log whatever becomes of us. May be said more than once. */
  reported(attempt: Pick<Addressed, 'project' | 'run_id' | 'execution' | 'attempt'>): void;
  /** Its outcome is in the log: nothing of it has to be kept. Also of what has ended before we left. */
  forget(attempt: Pick<Addressed, 'project' | 'run_id' | 'execution' | 'attempt'>): void;
  /** Lets go of what runs, which ends as `left`; a successor answers for it. Resolves when one may have it. */
  leave(): Promise<void>;
}

/** The executor, as its launcher sees it. */
export interface Keeper {
  readonly incarnation: string;
  /** Whether a runner still counts on us, right before something begins that could not be undone. */
  mayBegin(): boolean;
  /** Whether what nobody has asked for may take room now: not while anything waits for some, nor when we are about to go. */
  mayMakeAhead(): boolean;
  /** Work of an executor that is gone is ours now. */
  adopt(adoption: Adoption): void;
}

export interface Adoption {
  readonly of: Addressed;
  /** As its start was meant. */
  readonly since: number | null;
  readonly resources: Resources;
  /** Not called where we hold the attempt already. */
  readonly begin: (sink: LogSink) => RunningAttempt;
}

export interface Launch {
  readonly project: string;
  readonly runId: string;
  readonly workflowId: string;
  readonly execution: string;
  readonly attempt: number;
  readonly action: Exclude<ActionToRun, { type: 'builtin' }>;
  /** `$file`, `$secret` and `$value` references still unresolved. */
  readonly inputs: JsonObject;
  readonly resources: Resources;
  /** Of the attempt, from spawn; null for none. */
  readonly timeoutMs: number | null;
  readonly origin: LaunchOrigin;
}

/** To whom an attempt reports, for whoever may have to do so in our place. */
export interface LaunchOrigin {
  readonly replyPartition: number;
  /** Since when its start is meant, in the database's time. */
  readonly since: number | null;
  readonly traceparent?: string | undefined;
}

/** How an attempt ended; the duration is that of its work, from hand-over to end. */
export interface AttemptEnd {
  readonly outcome: Outcome;
  readonly durationMs: number;
}

export interface RunningAttempt {
  /**
   * Resolves once, never rejects. `durationMs` from spawn (or hand-over to a warm worker) to end, monotonic. `left`: it is not ours
   * any more, and goes on.
   */
  readonly ended: Promise<AttemptEnd | 'left'>;
  /** Asks the work to stop (SIGTERM, then SIGKILL after a grace), or kills it at once. Idempotent. */
  cancel(force: boolean): void;
}

/** Takes raw output. Returns false when its reader is behind: then the source pauses until `drained` resolves. */
export interface LogSink {
  write(bytes: Buffer): boolean;
  drained(): Promise<void>;
}
