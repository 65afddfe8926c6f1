/** One line of a container's log. */
export interface LogLine {
  /** RFC 3339 with nine digits of a second, so that texts compare as times; undefined for what the cluster has put in. */
  readonly time: string | undefined;
  /** With its newline, if it has one. */
  readonly text: string;
}

/** What stands in the place of a log that the node cannot read, in an answer 200. */
const complaint =
  /^(unable to retrieve container logs for|failed to (open|create|watch|read) |failed to try resolving symlinks)/;

export function isComplaint({ time, text }: LogLine): boolean {
  return time === undefined && complaint.test(text);
}

/** `2026-11-26T10:00:00.5Z text` as the kubelet writes it: it leaves out zeros at the end of the fraction. */
export function parseLine(line: string): LogLine {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?/.exec(line);
  if (found === null) return { time: undefined, text: line };
  const [all, seconds = '', fraction = '', zone = 'Z'] = found;
  return {
    time: `${zone === 'Z' ? seconds : inUtc(seconds, zone)}.${fraction.padEnd(9, '0')}Z`,
    text: line.slice(all.length),
  };
}

const wholeSeconds = 'YYYY-MM-DDTHH:MM:SS'.length;

function inUtc(time: string, zone: string, addedMs = 0): string {
  return new Date(Date.parse(`${time}${zone}`) + addedMs).toISOString().slice(0, wholeSeconds);
}

/** A line may stand behind one that is later by as much: a runtime gives times to each of its two streams, and then writes to one file. */
const apartMs = 1_000;
/**
 * How often a time was read that was forgotten is not known: a line of the very same nanosecond that comes after so many other times may
 * be passed on twice, where the connection breaks right behind it.
 */
const mostKept = 100;

/**
 * Where a log was read to, so that it can be gone on with in another answer without a gap or a repeat. An answer has the lines from a time
 * on in the order in which they were written, which need not be that of their times: two streams are written at once, and a node's clock
 * may be set back. So another answer first repeats what was read, line by line; what comes after that is new, whatever its time.
 */
export class LogPlace {
  private last: string | undefined;
  /** How many lines were read of each time, of the last times that were read. */
  private readonly kept = new Map<string, number>();
  /** The latest of the times before those. */
  private before = '';
  /** What the answer that is being read has yet to repeat; undefined behind all that. */
  private repeats: Map<string, number> | undefined;

  /** @param mostTimes that are kept of what was read */
  constructor(private readonly mostTimes = mostKept) {}

  /** The time of the line that was read last. */
  get time(): string | undefined {
    return this.last;
  }

  /** For the query of the next answer, in whole seconds, as the server heeds no others; undefined to read from the beginning. */
  get since(): string | undefined {
    return this.last && `${inUtc(this.last.slice(0, wholeSeconds), 'Z', -apartMs)}Z`;
  }

  /** Another answer begins. */
  reopen(): void {
    const { since = '' } = this;
    this.repeats = new Map([...this.kept].filter(([time]) => time >= since.slice(0, wholeSeconds)));
  }

  /** Whether the line is new. */
  pass({ time }: LogLine): boolean {
    if (time === undefined) return true;
    if (this.isRepeat(time)) return false;
    this.repeats = undefined;
    this.keep(time);
    return true;
  }

  private isRepeat(time: string): boolean {
    const { repeats } = this;
    if (repeats === undefined || repeats.size === 0) return false;
    const left = repeats.get(time);
    // Of a file that was begun anew nothing is repeated: what is later than all that was read is new.
    if (left === undefined) return time <= this.before;
    if (left > 1) repeats.set(time, left - 1);
    else repeats.delete(time);
    return true;
  }

  private keep(time: string): void {
    this.last = time;
    this.kept.set(time, (this.kept.get(time) ?? 0) + 1);
    const [first] = this.kept.keys();
    if (this.kept.size <= this.mostTimes || first === undefined) return;
    this.kept.delete(first);
    if (first > this.before) this.before = first;
  }
}
