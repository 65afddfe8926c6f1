'use strict';

/*
 * The one child of an action image's server: worker.cjs, its descriptors, and how it ends. What travels on the descriptors is
 * described in runtimes/python3/worker.py. Unlike there, both streams of the log are one pipe here, so that what the handler
 * writes stays in the order in which it was written.
 */

const { execFileSync, spawn } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const { closeSync, constants, mkdtempSync, openSync, rmSync } = require('node:fs');
const { Socket } = require('node:net');
const { constants: osConstants, tmpdir } = require('node:os');
const { join } = require('node:path');

/** What an answer may take of our memory; larger results belong into files. */
const mostReplyBytes = 256 * 1024 * 1024;
/** How long the pipes of a dead worker may stay open, by processes that have left its group. */
const lingerMs = 1_000;
/** The worker marks both of its log descriptors, and here they are one pipe. */
const markersPerCall = 2;

/** A process with the handler of one action. One call at a time. */
class WorkerProcess {
  calls = 0;
  isLast = false;
  #killTimer;
  #settle;
  #hasExited = false;
  /** Once it is gone and has been heard out. */
  #status;
  #output = new MarkedOutput();

  constructor({ folder, environment, graceMs }) {
    this.graceMs = graceMs;
    const log = openPipe();
    const ends = [log.writeEnd, log.writeEnd];
    try {
      this.child = spawn(process.execPath, [join(__dirname, 'worker.cjs'), folder], {
        env: environment,
        stdio: ['ignore', ...ends, 'pipe', 'pipe', ...ends],
        detached: true,
      });
    } finally {
      closeSync(log.writeEnd);
    }
    log.reader.on('data', (bytes) => this.#output.take(bytes));
    log.reader.on('error', () => undefined); // followed by close
    this.child.stdio[3].on('error', () => undefined); // it has exited, which is seen elsewhere
    readLines(this.child.stdio[4], (line) => this.#receive(line));
    /** Resolves with its status once it is gone and has been heard out. */
    this.exited = this.#watch(log.reader);
  }

  get isUsable() {
    return !this.#hasExited && !this.isLast && this.#killTimer === undefined;
  }

  /**
   * Resolves with `{ end }`, one of `answered` (and its reply), `exited` (and the status), `too-large` (and the limit), or `not-begun`
   * when it had died of an earlier call's leftovers before this one reached it. All that the call has written went to `writeLog` by then.
   */
  async call(members, writeLog) {
    const number = ++this.calls;
    const marker = randomBytes(16).toString('hex');
    if (this.#hasExited && number > 1) return { end: 'not-begun' };
    const logged = this.#output.begin(Buffer.from(marker), writeLog);
    // No race with `exited`: that would keep the reply of each call for as long as the process lives.
    const ended = new Promise((settle) => (this.#settle = settle));
    this.child.stdio[3].write(`{"call":${number},"marker":"${marker}",${members}}\n`);
    if (this.#status !== undefined) this.#settle({ end: 'exited', status: this.#status });
    const end = await ended;
    this.#settle = undefined;
    if (end.end !== 'answered') return end;
    if (end.reply.call !== number) return { end: 'not-begun' };
    await logged;
    return end;
  }

  /** Asks its group to end, and sees to it that it does. Idempotent. */
  terminate() {
    if (this.#hasExited || this.#killTimer !== undefined) return;
    this.#killTimer = setTimeout(() => this.kill(), this.graceMs);
    this.#signal('SIGTERM');
  }

  kill() {
    if (!this.#hasExited) this.#signal('SIGKILL');
  }

  #receive(line) {
    const reply = line === undefined ? undefined : parseReply(line);
    if (reply?.last === true || reply === undefined) this.isLast = true;
    // Nonsense can only come from a handler that has got hold of our descriptor: it cannot be talked to any more.
    if (reply === undefined) this.kill();
    if (line === undefined) this.#settle?.({ end: 'too-large', mostBytes: mostReplyBytes });
    else if (reply !== undefined) this.#settle?.({ end: 'answered', reply });
  }

  async #watch(reader) {
    const readersEnded = Promise.all([closed(reader), closed(this.child.stdio[4])]);
    const status = await new Promise((resolve) => {
      this.child.once('error', (error) => resolve(error));
      this.child.once('exit', (code, signal) => resolve(code ?? 128 + osConstants.signals[signal]));
    });
    this.#hasExited = true;
    clearTimeout(this.#killTimer);
    this.#signal('SIGKILL'); // what it has left behind
    let lingering;
    await Promise.race([readersEnded, new Promise((resolve) => (lingering = setTimeout(resolve, lingerMs)))]);
    clearTimeout(lingering);
    reader.destroy();
    this.#output.finish();
    this.#status = status;
    this.#settle?.({ end: 'exited', status });
    return status;
  }

  #signal(signal) {
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, signal);
    } catch {
      // There is nobody left.
    }
  }
}

/** The log pipe carries the output of one call after another; what comes while nobody reads belongs to no call. */
class MarkedOutput {
  #reading;

  /** Resolves when all markers have come, or the pipe has ended, and what was before them is written. */
  begin(marker, write) {
    return new Promise((done) => {
      this.#reading = { marker, write, done, held: Buffer.alloc(0), markers: markersPerCall };
    });
  }

  take(bytes) {
    const reading = this.#reading;
    if (reading === undefined) return;
    let rest = reading.held.length === 0 ? bytes : Buffer.concat([reading.held, bytes]);
    for (; reading.markers > 0; reading.markers -= 1) {
      const markerAt = rest.indexOf(reading.marker);
      if (markerAt === -1) {
        const held = overlap(rest, reading.marker);
        reading.held = rest.subarray(rest.length - held);
        reading.write(rest.subarray(0, rest.length - held));
        return;
      }
      reading.write(rest.subarray(0, markerAt));
      rest = rest.subarray(markerAt + reading.marker.length);
    }
    this.#reading = undefined;
    reading.done();
  }

  /** Nothing more will come. */
  finish() {
    this.#reading?.write(this.#reading.held);
    this.#reading?.done();
    this.#reading = undefined;
  }
}

/** `137` as people know it. */
function describeExit(status) {
  if (status instanceof Error) return `could not be started: ${status.message}`;
  const signal = Object.entries(osConstants.signals).find(([, number]) => number + 128 === status)?.[0];
  return `exited with status ${status}${signal === undefined ? '' : ` (${signal})`}`;
}

/** How many of the last bytes are the beginning of the pattern. */
function overlap(bytes, pattern) {
  for (let length = Math.min(bytes.length, pattern.length - 1); length > 0; length--) {
    if (bytes.compare(pattern, 0, length, bytes.length - length) === 0) return length;
  }
  return 0;
}

/** A real pipe: Node would give a socket, on which `echo oops > /dev/stderr` fails in every shell script. */
function openPipe() {
  const folder = mkdtempSync(join(tmpdir(), 'ryax-pipe-'));
  try {
    const path = join(folder, 'log');
    execFileSync('mkfifo', ['-m', '600', path]);
    // The reader comes first and does not wait for a writer; then the writer finds its reader at once.
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeEnd = openSync(path, constants.O_WRONLY);
    return { reader: new Socket({ fd: readEnd, readable: true, writable: false }), writeEnd };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function parseReply(line) {
  try {
    const reply = JSON.parse(line);
    return typeof reply === 'object' && reply !== null ? reply : undefined;
  } catch {
    return undefined;
  }
}

/** Passes each line on; undefined, once and as the last, for one that is too long. */
function readLines(stream, take) {
  let pieces = [];
  let length = 0;
  stream.on('error', () => undefined);
  stream.on('data', (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      pieces.push(chunk.subarray(start, end));
      take(Buffer.concat(pieces).toString('utf8'));
      pieces = [];
      length = 0;
      start = end + 1;
    }
    if (start === chunk.length) return;
    pieces.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length <= mostReplyBytes) return;
    stream.destroy();
    take(undefined);
  });
}

function closed(stream) {
  return new Promise((resolve) => stream.once('close', resolve));
}

module.exports = { WorkerProcess, describeExit };
