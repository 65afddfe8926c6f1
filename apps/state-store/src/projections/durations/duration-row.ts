/** How long an entry of one definition took, over its executions that succeeded: what estimates are made of. */
export interface DurationRow {
  readonly project: string;
  readonly definitionHash: string;
  /** The entry's id; all executions of a `for_each` count together. */
  readonly entry: string;
  readonly seen: number;
  readonly meanMs: number;
}

/** So that an action that has become slower is known to be so after some tens of executions, not thousands. */
const memory = 50;

/** The mean over about the last {@link memory} durations: exact before that, then each new one weighs 1/50. */
export function addDuration(row: DurationRow, durationMs: number): DurationRow {
  const seen = row.seen + 1;
  return { ...row, seen, meanMs: row.meanMs + (durationMs - row.meanMs) / Math.min(seen, memory) };
}

/** The entry that an execution (`fit.7`) belongs to. */
export function entryOf(execution: string): string {
  const dot = execution.indexOf('.');
  return dot === -1 ? execution : execution.slice(0, dot);
}
