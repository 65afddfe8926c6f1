'use strict';

/*
 * What an action image's server keeps of its executions: one that runs, or the last that has ended, with its log and result.
 * The same as runtimes/python3/executions.py.
 */

const { readdirSync, rmSync, statSync } = require('node:fs');
const { join } = require('node:path');
const { Problem } = require('./exchange.cjs');
const { Log } = require('./log.cjs');
const { WorkerProcess, describeExit } = require('./worker-process.cjs');

/** How much of the log of a failed load is told by /ready: its end, where the error is. */
const mostTracebackBytes = 64 * 1024;
/** Of a message, as everywhere in the engine; the whole story is in the log. */
const messageLength = 2_000;
/** Of the log in one line. */
const lineBytes = 64 * 1024;

/** One attempt: its log as it grows, and the result with which it ends. */
class Execution {
  result;
  isCancelled = false;
  #beganAt = performance.now();
  #waiting = new Set();

  constructor(attempt, origin, log) {
    this.attempt = attempt;
    this.origin = origin;
    this.log = log;
  }

  /** By our own clock, which nobody sets: until now, or until it ended. */
  get ranMs() {
    return this.result === undefined ? this.elapsedMs() : this.result.duration_ms;
  }

  elapsedMs() {
    return Math.round(performance.now() - this.#beganAt);
  }

  write(bytes) {
    const before = this.log.length;
    this.log.write(bytes);
    if (this.log.length > before) this.#wake();
  }

  end(result) {
    this.log.end();
    this.result = result;
    this.#wake();
  }

  /**
   * What of the log comes after the offset, at most so much as fits a line; and the result once all has been told. Waits for
   * something to tell; for so long at most, after which there may be neither.
   */
  async after(offset, waitMs) {
    if (this.log.length <= offset && this.result === undefined) await this.#changed(waitMs);
    const bytes = this.log.slice(offset, lineBytes);
    const end = offset + bytes.length;
    return { text: bytes.toString('utf8'), end, result: end === this.log.length ? this.result : undefined };
  }

  #changed(waitMs) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => wake(), waitMs);
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  #wake() {
    for (const wake of this.#waiting) wake();
  }
}

/** Owns the worker: starts it, loads the handler ahead of the first call, and starts it anew when it is gone. */
class Executions {
  #settings;
  #files;
  #worker;
  #loading;
  #loadFailure;
  /** What was written while the handler was loaded: it belongs to the first call. */
  #prologue = Buffer.alloc(0);
  #last;
  /** Who alone may begin attempts; undefined as long as nobody has claimed that. */
  #owner;
  #isStopping = false;

  constructor(settings, files) {
    this.#settings = settings;
    this.#files = files;
  }

  /** Begins to load the handler, unless it is loaded or that is being done; resolves when nothing is being loaded. */
  load() {
    if (this.#loading === undefined && this.#worker?.isUsable !== true && !this.#isStopping) {
      this.#loadFailure = undefined;
      this.#loading = this.#loadHandler().finally(() => (this.#loading = undefined));
    }
    return this.#loading ?? Promise.resolve();
  }

  /** Whether it is ready, loading, or failed; then with why, and with the traceback. */
  get state() {
    if (this.#loading !== undefined) return { status: 'loading' };
    return this.#loadFailure === undefined ? { status: 'ready' } : { status: 'failed', failure: this.#loadFailure };
  }

  /** The execution of this attempt, which is begun unless it is known; with `isBegun` it has to be. */
  invoke(attempt, inputs, { names, origin, owner, isBegun }) {
    if (this.#holds(attempt)) return this.#last;
    this.#refuseWhileBusy();
    if (isBegun) throw unknown();
    if (owner !== this.#owner) throw new Problem(409, 'Somebody else has claimed this server');
    this.#files.begin(attempt, names);
    const execution = (this.#last = new Execution(attempt, origin, new Log(this.#settings.mostLogBytes)));
    void this.#run(execution, inputs);
    return execution;
  }

  /** Whether there was something to end. */
  cancel(attempt) {
    const execution = this.kept(attempt);
    if (execution.result !== undefined) return false;
    execution.isCancelled = true;
    this.#worker?.terminate();
    return true;
  }

  /** From now on only this one may begin attempts: what another was about to begin is refused. */
  claim(owner) {
    this.#owner = owner;
  }

  /** The attempt that runs, or has ended and is not settled, with what its client has said of it; null where there is none. */
  get told() {
    if (this.#last === undefined) return null;
    const { attempt, origin, result, ranMs } = this.#last;
    return { attempt, origin: origin ?? null, status: result === undefined ? 'running' : 'ended', ran_ms: ranMs };
  }

  /** Whether there is something that cannot be had elsewhere. */
  get isNeeded() {
    return this.#last !== undefined;
  }

  /** Its result is known elsewhere: nothing of the attempt is kept, nor of its files. */
  settle(attempt) {
    if (!this.#holds(attempt)) throw unknown();
    this.#refuseWhileBusy();
    this.#last = undefined;
    this.#files.end(attempt);
    if (this.#worker?.calls > 1) this.#clean();
  }

  /** Makes room for the files of an attempt that is about to be begun. */
  prepare(attempt) {
    this.#refuseWhileBusy();
    this.#files.begin(attempt);
  }

  kept(attempt) {
    if (!this.#holds(attempt)) throw unknown();
    return this.#last;
  }

  /** Ends the worker; what it was doing has no result. */
  async stop(waitMs) {
    this.#isStopping = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    worker.terminate();
    const killTimer = setTimeout(() => worker.kill(), waitMs);
    await worker.exited;
    clearTimeout(killTimer);
    await this.#loading; // one that has just been started is killed by who has started it
  }

  async #run(execution, inputs) {
    let result = await this.#outcome(execution, inputs);
    if (this.#isStopping) return; // it has no result: who waits for one learns that we are gone
    if (execution.isCancelled) {
      result = failure({ kind: 'crash', message: 'The execution was cancelled', details: { cancelled: true } });
    }
    execution.end({ ...result, duration_ms: execution.elapsedMs() });
    if (this.#loadFailure === undefined || execution.isCancelled) await this.load();
  }

  async #outcome(execution, inputs) {
    const members = `"inputs":${inputs},"env":${JSON.stringify(variables(execution.attempt))}`;
    for (;;) {
      await this.load();
      execution.write(this.#prologue);
      this.#prologue = Buffer.alloc(0);
      if (this.#isStopping || execution.isCancelled) return {}; // nobody gets to see it
      if (this.#loadFailure !== undefined) {
        const { traceback: _traceback, ...rest } = this.#loadFailure;
        return { failure: rest };
      }
      if (this.#worker.calls > 1) this.#clean();
      const end = await this.#worker.call(members, (bytes) => execution.write(bytes));
      if (end.end !== 'not-begun') return judge(execution, end);
    }
  }

  async #loadHandler() {
    const log = new Log(this.#settings.mostLogBytes);
    const found = await this.#loadInNewWorker(log).catch((error) =>
      failure({ kind: 'crash', message: `The handler's process could not be started: ${error.message}` }),
    );
    log.end();
    if (found !== undefined) this.#loadFailure = { ...found.failure, traceback: log.tail(mostTracebackBytes) };
    this.#prologue = log.slice(0);
  }

  async #loadInNewWorker(log) {
    if (this.#worker !== undefined) {
      this.#worker.kill();
      await this.#worker.exited;
      this.#clean();
    }
    const { actionDirectory: folder, environment, graceMs } = this.#settings;
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      return failure({ kind: 'crash', message: `Expected an action in the folder ${folder}, found no such folder` });
    }
    this.#worker = new WorkerProcess({ folder, environment, graceMs });
    const isCancelled = this.#last?.isCancelled === true && this.#last.result === undefined;
    if (this.#isStopping || isCancelled) this.#worker.kill();
    const { end, reply, status } = await this.#worker.call('"load":true', (bytes) => log.write(bytes));
    if (end !== 'answered') {
      const how = end === 'exited' ? describeExit(status) : 'could not be understood';
      const message = `The handler's process ${how} while it was loaded${log.lastWords}`;
      return failure({ kind: 'crash', message, code: exitCode(status) });
    }
    return reply.raised === undefined ? undefined : failureOfRaised(reply.raised, log);
  }

  #holds(attempt) {
    const last = this.#last?.attempt;
    return ['run_id', 'execution', 'attempt'].every((name) => last?.[name] === attempt[name]);
  }

  #refuseWhileBusy() {
    if (this.#last === undefined || this.#last.result !== undefined) return;
    throw new Problem(409, 'Busy with another attempt', { attempt: this.#last.attempt });
  }

  /** Empties the folder for temporary files between two calls, where the image says that it is the action's alone. */
  #clean() {
    const folder = this.#settings.temporaryDirectory;
    if (folder === undefined) return;
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (this.#files.isKept(path)) continue;
      try {
        rmSync(path, { recursive: true, force: true });
      } catch {
        // Another user's.
      }
    }
  }
}

function judge(execution, { end, reply, status, mostBytes }) {
  if (end === 'exited') {
    const message = `The handler's process ${describeExit(status)} during the call${execution.log.lastWords}`;
    return failure({ kind: 'crash', message, code: exitCode(status) });
  }
  if (end === 'too-large') {
    const message = `The outputs are larger than ${mostBytes} bytes; return large data as a file`;
    return failure({ kind: 'invalid', message });
  }
  if (reply.outputs !== undefined) return { outputs: reply.outputs, cwd: reply.cwd ?? '/' };
  if (reply.refused === undefined) return failureOfRaised(reply.raised, execution);
  const { message, output } = reply.refused;
  return failure({ kind: 'invalid', message, details: output === undefined ? undefined : { output } });
}

function failureOfRaised({ kind, message, code, missing_module: missing }, log) {
  if (missing !== undefined) {
    const advice = 'name it in package.json and build the image anew';
    log.write(Buffer.from(`[ryax] The module ${missing} is missing: ${advice}\n`));
  }
  return failure({ kind, message, code });
}

function failure({ kind, message, code, details }) {
  const text = message.length <= messageLength ? message : `${message.slice(0, messageLength)}…`;
  return { failure: { kind, message: text, ...(code !== undefined && { code }), ...(details && { details }) } };
}

function exitCode(status) {
  return typeof status === 'number' ? status : undefined;
}

function variables({ run_id: runId, execution, attempt }) {
  return { RYAX_RUN_ID: runId, RYAX_EXECUTION: execution, RYAX_ATTEMPT: String(attempt) };
}

function unknown() {
  return new Problem(410, 'This attempt is not kept here: it was never begun, or others came after it');
}

module.exports = { Executions };
