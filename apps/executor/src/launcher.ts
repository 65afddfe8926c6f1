import type { ActionToRun, JsonObject, Outcome, Resources } from '@ryax/contracts';

/**
 * What turns an attempt into work: a local process today, a pod later. A launcher holds no truth; it knows only what
 * runs now. It never decides about capacity, leases or retries: its caller has done so.
 */
export interface Launcher {
  /**
   * Starts an attempt at once and returns its handle. Never throws: whatever goes wrong is the outcome.
   * `sink` receives output as it comes, in order; it is complete before the outcome resolves.
   */
  launch(launch: Launch, sink: LogSink): RunningAttempt;
  /** Ends every process; resolves when all are gone. */
  close(): Promise<void>;
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
}

export interface RunningAttempt {
  /** Resolves once, never rejects. `durationMs` from spawn (or hand-over to a warm worker) to end, monotonic. */
  readonly ended: Promise<{ readonly outcome: Outcome; readonly durationMs: number }>;
  /** Asks the work to stop (SIGTERM, then SIGKILL after a grace), or kills it at once. Idempotent. */
  cancel(force: boolean): void;
}

/** Takes raw output. Returns false when its reader is behind: then the source pauses until `drained` resolves. */
export interface LogSink {
  write(bytes: Buffer): boolean;
  drained(): Promise<void>;
}
