import fc from 'fast-check';
import { isComplaint, LogPlace, parseLine } from './log-lines';

describe('a line of a log', () => {
  it.each([
    ['2026-11-26T10:00:00.123456789Z hello', '2026-11-26T10:00:00.123456789Z', 'hello'],
    ['2026-11-26T10:00:00.5Z with its zeros left out', '2026-11-26T10:00:00.500000000Z', 'with its zeros left out'],
    ['2026-11-26T10:00:00Z on the second', '2026-11-26T10:00:00.000000000Z', 'on the second'],
    ['2026-11-26T12:00:00.25+02:00 of another zone', '2026-11-26T10:00:00.250000000Z', 'of another zone'],
    ['2026-11-26T10:00:00.1Z   indented', '2026-11-26T10:00:00.100000000Z', '  indented'],
    ['2026-11-26T10:00:00.1Z \n', '2026-11-26T10:00:00.100000000Z', '\n'],
  ])('%j has its time and its text', (line, time, text) => {
    expect(parseLine(line)).toEqual({ time, text });
  });

  it('without a time is what the cluster says in place of the log', () => {
    expect(isComplaint(parseLine('unable to retrieve container logs for containerd://abc'))).toBe(true);
    expect(isComplaint(parseLine('2026-11-26T10:00:00.1Z unable to retrieve container logs for a joke'))).toBe(false);
    expect(isComplaint(parseLine('rest of a long line'))).toBe(false);
  });
});

/** What the server answers that heeds whole seconds only. */
function answerSince(lines: readonly string[], since: string | undefined): readonly string[] {
  return since === undefined ? lines : lines.filter((line) => line >= since.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length));
}

describe('a log that is read in several answers', () => {
  const fractions = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 });
  const cuts = fc.array(fc.nat({ max: 20 }), { maxLength: 10 });

  it('has no gap and no repeat, wherever each answer is cut and however many lines have one time', () => {
    fc.assert(
      fc.property(fractions, cuts, (tenths, lengths) => {
        const times = [...tenths].sort((a, b) => a - b).map((each) => new Date(1_764_151_200_000 + each * 100));
        const lines = times.map((time, index) => `${time.toISOString()} line ${index}`);
        const place = new LogPlace();
        const read: string[] = [];
        for (const length of [...lengths, Infinity]) {
          place.reopen();
          for (const line of answerSince(lines, place.since).slice(0, length)) {
            const parsed = parseLine(line);
            if (place.pass(parsed)) read.push(parsed.text);
          }
        }
        expect(read).toEqual(lines.map((_, index) => `line ${index}`));
      }),
    );
  });
});
