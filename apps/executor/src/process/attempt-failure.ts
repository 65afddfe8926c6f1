import { limits, type Failure, type Outcome } from '@ryax/contracts';
import { messageOf } from '@ryax/platform';

/** Ends an attempt: thrown where it becomes clear, turned into the outcome in one place. */
export class AttemptFailure extends Error {
  constructor(
    readonly failure: Failure,
    options?: ErrorOptions,
  ) {
    super(failure.message, options);
    this.name = 'AttemptFailure';
  }

  /** What the caller gave, or what the action returned, does not fit its declaration. */
  static invalid(message: string, details?: Failure['details']): AttemptFailure {
    return new AttemptFailure({ kind: 'invalid', message, ...(details && { details }) });
  }
}

/** Of a handler: they are one line, which nobody holds in memory that is longer. */
export const outputsTooLarge = `The outputs are larger than ${limits.valueBytes} bytes; return large data as a file`;

/** A message stands in events and lists; the whole story is in the log. */
const messageLength = 2_000;

export function outcomeOf(error: unknown): Outcome {
  const failure: Failure =
    error instanceof AttemptFailure
      ? error.failure
      : // Not the action's doing: the disk, the filestore, or a fault of ours. Another attempt may fare better.
        { kind: 'lost', message: `The executor failed: ${messageOf(error)}` };
  return { status: 'failed', failure: { ...failure, message: shorten(failure.message, messageLength) } };
}

export function shorten(text: string, length: number): string {
  // Never between the halves of a surrogate pair.
  return text.length <= length ? text : `${text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
