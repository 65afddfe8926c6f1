import type { Readable } from 'node:stream';

const newline = 0x0a;

/**
 * Hands over each line of a stream, in order; resolves at its end. A line longer than allowed ends the reading.
 * (Node's readline takes U+2028 for the end of a line, and is quadratic in the length of one.)
 */
export function readLines(
  stream: Readable,
  mostBytes: number,
  take: (line: string) => void,
): Promise<'ended' | 'line-too-long'> {
  let end: 'ended' | 'line-too-long' = 'ended';
  let pieces: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, start)) {
      pieces.push(chunk.subarray(start, at));
      take(Buffer.concat(pieces).toString('utf8'));
      pieces = [];
      size = 0;
      start = at + 1;
    }
    if (start === chunk.length) return;
    pieces.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size <= mostBytes) return;
    end = 'line-too-long';
    stream.destroy();
  });
  stream.on('error', () => undefined); // followed by close
  return new Promise((resolve) => stream.once('close', () => resolve(end)));
}
