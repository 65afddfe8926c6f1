export interface LogLine {
  /** RFC 3339 with nanoseconds; of one log no two are equal. */
  readonly time: string;
  /** With its newline; only the last one of a stream may have none. */
  readonly text: string;
}

/** What a container has written to both streams, line by line in the order of arrival. */
export class ContainerLog {
  private lines: LogLine[] = [];
  private readonly listeners = new Set<LogListener>();
  private isOver = false;

  append(text: string): void {
    const line = { time: nextTime(), text };
    this.lines.push(line);
    this.listeners.forEach(({ onLine }) => onLine(line));
  }

  /** The container is gone and all that it wrote is here. */
  end(): void {
    this.isOver = true;
    this.endFollowers();
  }

  /** Forgets all lines so far, and ends who follows, as a rotation does. */
  rotate(): void {
    this.lines = [];
    this.endFollowers();
  }

  read(): readonly LogLine[] {
    return this.lines;
  }

  /** Gives the lines that come from now on; answers how to stop. */
  follow(listener: LogListener): () => void {
    if (this.isOver) listener.onEnd();
    else this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private endFollowers(): void {
    const following = [...this.listeners];
    this.listeners.clear();
    following.forEach(({ onEnd }) => onEnd());
  }
}

export interface LogListener {
  readonly onLine: (line: LogLine) => void;
  readonly onEnd: () => void;
}

/** Passes on whole lines of a stream, and what is left of it at its end. */
export function readLines(stream: NodeJS.ReadableStream, onLine: (text: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach((line) => onLine(`${line}\n`));
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

const startOfClock = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
let lastTime = 0n;

function nextTime(): string {
  const now = startOfClock + process.hrtime.bigint();
  lastTime = now > lastTime ? now : lastTime + 1n;
  const seconds = new Date(Number(lastTime / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${(lastTime % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}
