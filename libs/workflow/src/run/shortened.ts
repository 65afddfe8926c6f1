import type { Failure } from '@ryax/contracts';
import { isLargerThan } from './stored-value';

/** A failure that takes no more than about so many bytes: details are left out first, then the end of its message. */
export function shortened(failure: Failure, bytes: number): Failure {
  if (!isLargerThan(failure, bytes)) return failure;
  const { kind, message, code } = failure;
  return { kind, message: withinBytes(message, bytes), ...(code === undefined ? {} : { code }) };
}

/** No character takes more than six bytes of JSON text. */
function withinBytes(text: string, bytes: number): string {
  return isLargerThan(text, bytes) ? `${text.slice(0, Math.floor(bytes / 6))}…` : text;
}
