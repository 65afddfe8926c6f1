/** One statement. It is prepared under its name, so that each connection plans it once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** How long its answer is waited for, where the pool's own limit is too patient. */
  readonly answerWithinMs?: number;
}

/** The database's clock in whole milliseconds since the epoch, the unit of every time in these tables. */
export const nowMs = `floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint`;
