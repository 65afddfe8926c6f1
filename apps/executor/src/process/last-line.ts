import type { LogSink } from '../launcher';

/** More of a line says no more. */
const mostBytes = 500;

/** Remembers the last line that passes: for a command that fails, it mostly says why. */
export class LastLine implements LogSink {
  private tail: Buffer = Buffer.alloc(0);

  constructor(private readonly sink: LogSink) {}

  get text(): string {
    const lines = this.tail.toString('utf8').split(/[\r\n]+/);
    return lines.map((line) => line.trim()).findLast((line) => line !== '') ?? '';
  }

  write(bytes: Buffer): boolean {
    this.tail = Buffer.concat([this.tail, bytes.subarray(-mostBytes)]).subarray(-mostBytes);
    return this.sink.write(bytes);
  }

  drained(): Promise<void> {
    return this.sink.drained();
  }
}
