import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LogSink } from '../launcher';

/**
 * A pipe that processes write their output to. A real one (a FIFO whose name is removed again): Node would give a
 * socket, on which `echo oops > /dev/stderr` fails in every shell script.
 */
export interface WritablePipe {
  readonly pipe: OutputPipe;
  /** For the child's descriptors; to be closed here once it is spawned. */
  readonly writeEnd: number;
}

export async function openOutputPipes(directory: string): Promise<readonly [WritablePipe, WritablePipe]> {
  const paths = [join(directory, 'stdout'), join(directory, 'stderr')] as const;
  await promisify(execFile)('mkfifo', ['-m', '600', ...paths]);
  const pipes = [openPipe(paths[0]), openPipe(paths[1])] as const;
  await Promise.all(paths.map((path) => rm(path)));
  return pipes;
}

function openPipe(path: string): WritablePipe {
  // The reader comes first and does not wait for a writer; then the writer finds its reader at once.
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  return { pipe: new OutputPipe(new Socket({ fd: readEnd, readable: true, writable: false })), writeEnd };
}

export function closeWriteEnds(pipes: readonly WritablePipe[]): void {
  for (const { writeEnd } of pipes) closeSync(writeEnd);
}

interface Reading {
  readonly marker: Buffer | null;
  readonly sink: LogSink;
  readonly done: () => void;
  /** The beginning of what may turn out to be the marker. */
  held: Buffer;
}

/**
 * The reading end. A warm worker's pipe carries the output of one call after another: each reading takes what comes up to
 * its marker. What comes while nobody reads (from what a handler has left running) belongs to no call and is dropped.
 */
export class OutputPipe {
  private reading: Reading | undefined;
  private isClosed = false;

  constructor(private readonly socket: Socket) {
    socket.on('data', (bytes) => this.take(bytes));
    socket.on('close', () => this.end());
    socket.on('error', () => undefined); // followed by close
  }

  /** Resolves when the marker (or, without one, the end of the pipe) has come and all before it is in the sink. */
  read(marker: Buffer | null, sink: LogSink): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    return new Promise((done) => (this.reading = { marker, sink, done, held: Buffer.alloc(0) }));
  }

  /** Nobody has ever held the other end. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Its writers are dead: whatever still holds the other end open is given up on after a while. */
  endWithin(ms: number): void {
    if (this.isClosed) return;
    const timer = setInterval(() => {
      // While the sink is behind there is still something to read.
      if (!this.socket.isPaused()) this.socket.destroy();
    }, ms);
    this.socket.once('close', () => clearInterval(timer));
  }

  private take(bytes: Buffer): void {
    const { reading } = this;
    if (reading === undefined) return;
    if (reading.marker === null) return this.pass(bytes, reading);
    const all = reading.held.length === 0 ? bytes : Buffer.concat([reading.held, bytes]);
    const markerAt = all.indexOf(reading.marker);
    if (markerAt !== -1) return this.finish(all.subarray(0, markerAt), reading);
    const held = overlap(all, reading.marker);
    reading.held = all.subarray(all.length - held);
    this.pass(all.subarray(0, all.length - held), reading);
  }

  private pass(bytes: Buffer, { sink }: Reading): void {
    if (bytes.length === 0 || sink.write(bytes)) return;
    this.socket.pause();
    const resume = () => this.socket.resume();
    void sink.drained().then(resume, resume);
  }

  private finish(rest: Buffer, reading: Reading): void {
    this.pass(rest, reading);
    this.reading = undefined;
    reading.done();
  }

  private end(): void {
    this.isClosed = true;
    if (this.reading !== undefined) this.finish(this.reading.held, this.reading);
  }
}

/** How many of the last bytes are the beginning of the pattern. */
export function overlap(bytes: Buffer, pattern: Buffer): number {
  for (let length = Math.min(bytes.length, pattern.length - 1); length > 0; length--) {
    if (bytes.compare(pattern, 0, length, bytes.length - length) === 0) return length;
  }
  return 0;
}
