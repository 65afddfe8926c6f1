import { invalid, type QueryRejectedError } from './rejection';

/** Where a page ended, as the opaque text that its reader gives back for the next one. */
export function encodeCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The position of the last item of the page before; undefined for the first page. */
export function decodePosition(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const [position, ...rest] = decode(cursor);
  if (typeof position !== 'number' || !Number.isSafeInteger(position) || rest.length > 0) throw invalidCursor();
  return position;
}

/** The key of the last item of the page before, of `length` texts; undefined for the first page. */
export function decodeKey(cursor: string | undefined, length: number): readonly string[] | undefined {
  if (cursor === undefined) return undefined;
  const parts = decode(cursor);
  if (parts.length !== length || !parts.every(isStorableText)) throw invalidCursor();
  return parts;
}

function decode(cursor: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(parsed)) return parsed;
  } catch {
    // Said below, in the same words.
  }
  throw invalidCursor();
}

/** PostgreSQL refuses U+0000 in a text. */
function isStorableText(part: unknown): part is string {
  return typeof part === 'string' && !part.includes('\0');
}

function invalidCursor(): QueryRejectedError {
  const reason = 'Expected a cursor as an earlier page gave it in next_cursor';
  return invalid(reason, [{ path: 'cursor', reason }]);
}
