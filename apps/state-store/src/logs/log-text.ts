import type { StoredChunk } from './log-chunks';

/** A stretch of an attempt's log. */
export interface LogText {
  readonly text: string;
  /** Where to go on reading. */
  readonly nextOffset: number;
  /** Whether the log is closed and nothing comes after `nextOffset`. */
  readonly complete: boolean;
}

/**
 * Joins chunks into the text from `offset` on, of about `limitBytes`. Stops before a missing chunk, which may still be
 * on its way; once it is certain that it is not, its place is told in the text and passed over. Never cuts a character.
 */
export function joinChunks(chunks: readonly StoredChunk[], offset: number, limitBytes: number): LogText {
  const parts: string[] = [];
  let next = offset;
  for (const chunk of chunks) {
    const end = chunk.offset + chunk.bytes;
    if (chunk.offset > next) {
      if (!chunk.isSettled) break;
      parts.push(`\n[${chunk.offset - next} bytes of output were lost]\n`);
      next = chunk.offset;
    }
    if (end > next) {
      const room = limitBytes - (next - offset);
      if (room <= 0) break;
      const piece = cut(chunk, next - chunk.offset, room);
      parts.push(piece.text);
      next += piece.bytes;
      if (next < end) break;
    }
    if (chunk.isEnd && next >= end) return { text: parts.join(''), nextOffset: next, complete: true };
  }
  return { text: parts.join(''), nextOffset: next, complete: false };
}

/** Characters of a chunk from its byte `from`, of at most `room` bytes, but at least one. */
function cut(
  { content, bytes }: StoredChunk,
  from: number,
  room: number,
): { readonly text: string; readonly bytes: number } {
  const rest = bytes - from;
  // Where bytes were replaced, offsets no longer fit the content: all of it or nothing.
  if (content.length !== bytes) return { text: from === 0 ? content.toString('utf8') : '', bytes: rest };
  let begin = from;
  while (isContinuation(content[begin])) begin++;
  let end = Math.min(from + room, bytes);
  while (end > begin && isContinuation(content[end])) end--;
  if (end <= begin) {
    end = Math.min(begin + 1, bytes);
    while (isContinuation(content[end])) end++;
  }
  return { text: content.toString('utf8', begin, end), bytes: end - from };
}

/** A byte inside a character, not its first. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
}
