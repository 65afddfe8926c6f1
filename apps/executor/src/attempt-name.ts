import type { Attempt } from '@ryax/contracts';

/** An attempt, where to report it, and the trace that it belongs to. */
export interface Addressed extends Attempt {
  readonly traceparent?: string | undefined;
}

/** The same for every start of the attempt, wherever it comes from: what makes starting idempotent. */
export function attemptName({ project, run_id, execution, attempt }: Omit<Attempt, 'reply_partition'>): string {
  return `${project}/${run_id}/${execution}/${attempt}`;
}

/** Only what names and addresses it: a start's inputs need not be kept until it is settled. */
export function addressOf({ project, run_id, execution, attempt, reply_partition, traceparent }: Addressed): Addressed {
  return { project, run_id, execution, attempt, reply_partition, traceparent };
}
