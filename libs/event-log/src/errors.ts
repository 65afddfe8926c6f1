/** What the database refused or could not answer; none of these is an ordinary outcome such as a conflict. */

/**
 * Nothing was changed, and the same call may be made again: no connection to be had, a deadlock, a timeout, a full
 * disk, a database that is shutting down.
 */
export class DatabaseUnavailableError extends Error {
  readonly code: string = 'database-unavailable';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The connection ended while a statement was under way: a read may be repeated, of a write nothing is known. */
export class ConnectionLostError extends DatabaseUnavailableError {
  override readonly code = 'connection-lost';
}

/** A batch may be committed, wholly, in part or not at all: read every one of these streams again. */
export class UnknownCommitError extends Error {
  readonly code = 'unknown-commit';

  constructor(
    readonly streamIds: readonly string[],
    options?: ErrorOptions,
  ) {
    super(`Expected to learn whether ${streamIds.length} streams were appended to, found no answer`, options);
    this.name = new.target.name;
  }
}

export type InvalidAppendReason =
  | 'no-streams'
  | 'no-events'
  | 'duplicate-stream'
  | 'hash-does-not-fit'
  | 'too-large'
  | 'text-not-storable'
  | 'number-out-of-range';

/** The caller's mistake, found before anything was sent. The same decisions without this stream can be appended. */
export class InvalidAppendError extends Error {
  readonly code = 'invalid-append';

  constructor(
    readonly reason: InvalidAppendReason,
    readonly streamId: string,
    expected: string,
    found: string,
  ) {
    super(`Expected ${expected}${streamId && ` for stream ${streamId}`}, found ${found}`);
    this.name = new.target.name;
  }
}
