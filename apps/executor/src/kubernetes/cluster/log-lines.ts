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
  return { time: `${inUtc(seconds, zone)}.${fraction.padEnd(9, '0')}Z`, text: line.slice(all.length) };
}

function inUtc(seconds: string, zone: string): string {
  if (zone === 'Z') return seconds;
  return new Date(`${seconds}${zone}`).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
}

/**
 * Where a log was read to, so that it can be gone on with in another answer without a gap or a repeat. The server heeds whole seconds
 * only, so what was read of the same second comes again; and two lines may have the same time, so they are counted.
 */
export class LogPlace {
  private time: string | undefined;
  private linesOfThatTime = 0;
  /** In the answer that is being read. */
  private seenOfThatTime = 0;

  /** For the query of the next answer; undefined to read from the beginning. */
  get since(): string | undefined {
    return this.time;
  }

  /** Another answer begins. */
  reopen(): void {
    this.seenOfThatTime = 0;
  }

  /** Whether the line is new. */
  pass({ time }: LogLine): boolean {
    if (time === undefined) return true;
    if (this.time === undefined || time > this.time) {
      this.time = time;
      this.linesOfThatTime = 1;
      this.seenOfThatTime = 1;
      return true;
    }
    if (time < this.time) return false;
    this.seenOfThatTime++;
    if (this.seenOfThatTime <= this.linesOfThatTime) return false;
    this.linesOfThatTime = this.seenOfThatTime;
    return true;
  }
}
