import { DatabaseUnavailableError, UnknownCommitError } from '@ryax/event-log';

/** The log being out of reach is nobody's fault: whatever was to be decided is decided again once it is back. */
export function isLogUnreachable(error: unknown): boolean {
  return error instanceof DatabaseUnavailableError || error instanceof UnknownCommitError;
}
