import { Readable } from 'node:stream';
import { readLines } from './lines';

describe('reading lines', () => {
  async function linesOf(chunks: (string | Buffer)[], mostBytes = 1000) {
    const lines: string[] = [];
    const end = await readLines(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), mostBytes, (line) =>
      lines.push(line),
    );
    return { lines, end };
  }

  it('puts lines together whatever the chunks, cutting no character', async () => {
    const bytes = Buffer.from('grün\nrot\n\nblau');

    expect(await linesOf([...bytes].map((byte) => Buffer.of(byte)))).toEqual({
      lines: ['grün', 'rot', ''],
      end: 'ended',
    });
    expect((await linesOf([bytes])).lines).toEqual(['grün', 'rot', '']);
  });

  it('takes no other separator for the end of a line', async () => {
    expect((await linesOf(['a\u2028b\rc\n'])).lines).toEqual(['a\u2028b\rc']);
  });

  it('gives up on a line that is too long', async () => {
    expect(await linesOf(['short\n', 'x'.repeat(50), 'y'.repeat(60)], 100)).toEqual({
      lines: ['short'],
      end: 'line-too-long',
    });
  });
});
