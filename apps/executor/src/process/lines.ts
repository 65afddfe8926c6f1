import type { Readable } from 'node:stream';

const newline = 0x0a;

/** A line longer than the reader allows; reading ended there. */
export class LineTooLongError extends Error {
  constructor(readonly mostBytes: number) {
    super(`Expected lines of at most ${mostBytes} bytes, found a longer one`);
    this.name = 'LineTooLongError';
  }
}

/**
 * The lines of a stream, in order; what comes after the last of them is cut, and passed over.
 * (Node's readline takes U+2028 for the end of a line, and is quadratic in the length of one.)
 *
 * @throws LineTooLongError which ends the reading
 */
export async function* linesOf(stream: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<string> {
  const reader = new LineReader(mostBytes);
  for await (const chunk of stream) yield* reader.take(chunk);
}

/** Hands over each line of a stream that may break at any time. Resolves at its end, by itself or by a line that is too long. */
export function readLines(
  stream: Readable,
  mostBytes: number,
  take: (line: string) => void,
): Promise<'ended' | 'line-too-long'> {
  let end: 'ended' | 'line-too-long' = 'ended';
  const reader = new LineReader(mostBytes);
  stream.on('data', (chunk: Buffer) => {
    try {
      for (const line of reader.take(chunk)) take(line);
    } catch (error) {
      if (!(error instanceof LineTooLongError)) throw error;
      end = 'line-too-long';
      stream.destroy();
    }
  });
  stream.on('error', () => undefined); // followed by close
  return new Promise((resolve) => stream.once('close', () => resolve(end)));
}

class LineReader {
  private pieces: Buffer[] = [];
  private size = 0;

  constructor(private readonly mostBytes: number) {}

  /** Each line that the chunk ends. */
  *take(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, start)) {
      this.pieces.push(chunk.subarray(start, at));
      const line = Buffer.concat(this.pieces).toString('utf8');
      this.pieces = [];
      this.size = 0;
      start = at + 1;
      yield line;
    }
    if (start === chunk.length) return;
    this.pieces.push(chunk.subarray(start));
    this.size += chunk.length - start;
    if (this.size > this.mostBytes) throw new LineTooLongError(this.mostBytes);
  }
}
