import { closeSync, writeSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOutputPipes, overlap, type WritablePipe } from './output-pipe';
import { RecordedLog } from './testing/launcher-fixture';

describe('an output pipe', () => {
  let directory: string;
  let out: WritablePipe;
  let err: WritablePipe;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-pipe-'));
    [out, err] = await openOutputPipes(directory);
  });
  afterEach(async () => {
    out.pipe.destroy();
    err.pipe.destroy();
    await rm(directory, { recursive: true });
  });

  const marker = Buffer.from('0123456789abcdef');

  it('leaves no name behind', async () => {
    expect(await readdir(directory)).toEqual([]);
  });

  it('gives a call what comes before its marker, and the next call what comes after', async () => {
    const [first, second] = [new RecordedLog(), new RecordedLog()];

    const reading = out.pipe.read(marker, first);
    writeSync(out.writeEnd, `one${marker.toString()}`);
    await reading;
    const next = out.pipe.read(marker, second);
    writeSync(out.writeEnd, `two${marker.toString()}three`);
    await next;

    expect([first.text, second.text]).toEqual(['one', 'two']);
    closeSync(out.writeEnd);
  });

  it('finds a marker that comes in pieces, after something that begins like it', async () => {
    const log = new RecordedLog();
    const reading = out.pipe.read(marker, log);

    for (const piece of ['01230123', '456789ab', '01', '23456', '789abcdef']) {
      writeSync(out.writeEnd, piece);
      await new Promise(setImmediate);
    }
    await reading;

    expect(log.text).toBe('01230123456789ab');
    closeSync(out.writeEnd);
  });

  it('ends with its writers, and gives back what only looked like a marker', async () => {
    const log = new RecordedLog();
    const reading = err.pipe.read(marker, log);

    writeSync(err.writeEnd, 'so far 0123');
    closeSync(err.writeEnd);
    await reading;

    expect(log.text).toBe('so far 0123');
    await err.pipe.read(marker, log);
  });
});

it.each([
  ['abcab', 'abcd', 2],
  ['abc', 'abcd', 3],
  ['abcd', 'abcd', 0],
  ['', 'abcd', 0],
  ['aaa', 'aaaa', 3],
])('the end of %j overlaps the beginning of %j by %d', (bytes, pattern, length) => {
  expect(overlap(Buffer.from(bytes), Buffer.from(pattern))).toBe(length);
});
