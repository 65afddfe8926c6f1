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

/** A line for each time, in tenths of a second, in the order in which they stand in the file. */
function linesAt(tenths: readonly number[]): string[] {
  const time = (each: number) => new Date(1_764_151_200_000 + each * 100).toISOString();
  return tenths.map((each, index) => `${time(each)} line ${index}`);
}

/** What of an answer is new. */
function readFrom(answer: readonly string[], place: LogPlace): string[] {
  const parsed = answer.map(parseLine);
  return parsed.filter((line) => place.pass(line)).map(({ text }) => text);
}

/** All that is new in answers of which each but the last is cut. */
function readInAnswers(lines: readonly string[], lengths: readonly number[], place: LogPlace): string[] {
  return [...lengths, Infinity].flatMap((length) => {
    place.reopen();
    return readFrom(answerSince(lines, place.since).slice(0, length), place);
  });
}

const written = (lines: readonly string[]) => lines.map((_, index) => `line ${index}`);

describe('a log that is read in several answers', () => {
  const tenths = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 });
  const cuts = fc.array(fc.nat({ max: 20 }), { maxLength: 10 });
  const mostTimes = fc.integer({ min: 1, max: 10 });
  /** A time that comes again has to be among those that are kept: as many as there are in what may be late. */
  const allTimes = fc.integer({ min: 51, max: 100 });

  it('has no gap and no repeat, wherever each answer is cut and however many lines have one time', () => {
    fc.assert(
      fc.property(tenths, cuts, mostTimes, (times, lengths, most) => {
        const lines = linesAt([...times].sort((a, b) => a - b));
        expect(readInAnswers(lines, lengths, new LogPlace(most))).toEqual(written(lines));
      }),
    );
  });

  it('has none where two streams are written at once, each of which may be late', () => {
    const delays = fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(tenths, delays, cuts, allTimes, (times, late, lengths, most) => {
        const begun = [...times].sort((a, b) => a - b);
        const lines = linesAt(begun.map((time, index) => time - (late[index] ?? 0)));
        expect(readInAnswers(lines, lengths, new LogPlace(most))).toEqual(written(lines));
      }),
    );
  });

  it('has none where the clock of the node is set back', () => {
    fc.assert(
      fc.property(tenths, tenths, mostTimes, fc.nat(), (early, late, most, cut) => {
        const sorted = (times: number[]) => [...times].sort((a, b) => a - b);
        const lines = linesAt([
          ...sorted(early).map((time) => time + 100),
          50,
          ...sorted(late).map((time) => time + 50),
        ]);
        // Behind the line by which it is seen that it was: a server cannot be asked for what is earlier than what was read.
        const lengths = [early.length + 1 + (cut % (late.length + 1))];
        expect(readInAnswers(lines, lengths, new LogPlace(most))).toEqual(written(lines));
      }),
    );
  });

  it('has all of an answer whose lines are not in the order of their times, and nothing of it twice', () => {
    const place = new LogPlace();
    const lines = linesAt([20, 10]);
    place.reopen();
    expect(readFrom(lines, place)).toEqual(['line 0', 'line 1']);
    place.reopen();
    expect(readFrom(lines, place)).toEqual([]);
  });

  it('has what is later in a file that was begun anew, which repeats nothing', () => {
    const place = new LogPlace(2);
    const [old, anew] = [linesAt([1, 2, 3, 4, 5]), linesAt([6, 7])];
    readInAnswers(old, [], place);
    place.reopen();
    expect(readFrom(anew, place)).toEqual(['line 0', 'line 1']);
  });
});
