import { exchanges, limits, routingKeys, type LogChunk } from '@ryax/contracts';
import type { About, Envelopes } from './envelope';
import type { LogSink } from './launcher';
import type { Outbox } from './outbox';
import type { Timer, Timers } from './timers';
import { decodableLength } from './utf8';

/** A chunk leaves when so much has gathered … */
const chunkBytes = 32 * 1024;
/** … or after this long: readers follow along, and a chatty attempt does not make a message of each line. */
const flushAfterMs = 50;
/** What one attempt may have on its way to the broker before its output is paused, and where it goes on. */
const backlogBytes = 256 * 1024;
const resumeBytes = 64 * 1024;

/** Whose output it is. */
export interface LogOwner extends About {
  readonly execution: string;
  readonly attempt: number;
}

/**
 * The output of one attempt on its way to the log's readers, in chunks that never cut a character. Offsets count the
 * bytes as they came. It is bounded: what comes after the limit is dropped, and the last line says how much.
 */
export class AttemptLog implements LogSink {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  /** Bytes that went into chunks: the offset of the next one. */
  private offset = 0;
  private accepted = 0;
  private dropped = 0;
  private unconfirmed = 0;
  private unconfirmedChunks = 0;
  private flushTimer: Timer | undefined;
  private drainWaiters: (() => void)[] = [];
  private confirmWaiters: (() => void)[] = [];

  constructor(
    private readonly of: LogOwner,
    private readonly outbox: Outbox,
    private readonly timers: Timers,
    private readonly envelopes: Envelopes,
    private readonly limitBytes: number = limits.logBytesPerAttempt,
  ) {}

  write(bytes: Buffer): boolean {
    const kept = bytes.subarray(0, this.limitBytes - this.accepted);
    this.dropped += bytes.length - kept.length;
    if (kept.length > 0) {
      this.accepted += kept.length;
      this.pending.push(kept);
      this.pendingBytes += kept.length;
      if (this.pendingBytes >= chunkBytes) this.flush();
      else this.flushTimer ??= this.timers.after(flushAfterMs, () => this.flush());
    }
    return this.backlog < backlogBytes;
  }

  async drained(): Promise<void> {
    if (this.backlog > resumeBytes) await new Promise<void>((resolve) => this.drainWaiters.push(resolve));
  }

  /** Closes the log with its last chunk; resolves when the broker has confirmed all of it. */
  async end(): Promise<void> {
    const chunks = this.cut(this.takePending(), 'end');
    if (this.dropped > 0) chunks.push(this.chunkOf(Buffer.from(this.lastLine())));
    const last = chunks.pop() ?? this.chunkOf(Buffer.alloc(0));
    for (const chunk of chunks) this.send(chunk);
    this.send({ ...last, end: true });
    if (this.unconfirmedChunks > 0) await new Promise<void>((resolve) => this.confirmWaiters.push(resolve));
  }

  private get backlog(): number {
    return this.pendingBytes + this.unconfirmed;
  }

  private flush(): void {
    for (const chunk of this.cut(this.takePending(), 'more')) this.send(chunk);
  }

  private takePending(): Buffer {
    this.flushTimer?.cancel();
    this.flushTimer = undefined;
    const bytes = Buffer.concat(this.pending);
    this.pending = [];
    this.pendingBytes = 0;
    return bytes;
  }

  /** Cuts what has gathered into chunks; an unfinished character is put back to wait for its rest, if any may come. */
  private cut(bytes: Buffer, then: 'more' | 'end'): LogChunk[] {
    const chunks: LogChunk[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      const part = rest.subarray(0, chunkBytes);
      const isLast = part.length === rest.length;
      const length = isLast && then === 'end' ? part.length : decodableLength(part);
      if (length === 0) break;
      chunks.push(this.chunkOf(part.subarray(0, length)));
      rest = rest.subarray(length);
      if (isLast) break;
    }
    if (rest.length > 0) {
      this.pending = [rest];
      this.pendingBytes = rest.length;
    }
    return chunks;
  }

  private chunkOf(bytes: Buffer): LogChunk {
    const { project, run_id, execution, attempt } = this.of;
    const { offset } = this;
    this.offset += bytes.length;
    return {
      project,
      run_id,
      execution,
      attempt,
      offset,
      text: bytes.toString('utf8'),
      bytes: bytes.length,
      end: false,
    };
  }

  private lastLine(): string {
    return `\n[ryax] ${this.dropped} more bytes of output were dropped: a log may have ${this.limitBytes} bytes (logBytesPerAttempt)\n`;
  }

  private send(chunk: LogChunk): void {
    this.unconfirmed += chunk.bytes;
    this.unconfirmedChunks++;
    this.outbox.add(
      { exchange: exchanges.logs.name, routingKey: routingKeys.log(this.of.project) },
      {
        message: this.envelopes.about(this.of, 'execution.log', chunk),
        bytes: chunk.text.length + 256,
        persistent: true,
        confirmed: () => this.confirmed(chunk),
      },
    );
  }

  private confirmed(chunk: LogChunk): void {
    this.unconfirmed -= chunk.bytes;
    this.unconfirmedChunks--;
    if (this.backlog <= resumeBytes) this.drainWaiters.splice(0).forEach((resolve) => resolve());
    if (this.unconfirmedChunks === 0) this.confirmWaiters.splice(0).forEach((resolve) => resolve());
  }
}
