import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerWithin } from '@ryax/platform';
import { waitFor } from './wait-for';

export interface ServiceOptions {
  /** For messages; also `dist/apps/<name>/src/main.js` unless `entry` says otherwise. */
  readonly name: string;
  readonly entry?: string;
  readonly args?: readonly string[];
  /** For Node itself, such as `--import=…`. */
  readonly nodeFlags?: readonly string[];
  /** Put before Node, such as `setpriv --pdeathsig TERM`; what it is has to become Node, so that the pid is the service's. */
  readonly under?: readonly string[];
  /** Gets what it writes, as it comes, both streams. */
  readonly onOutput?: (chunk: Buffer) => void;
  /** All that it is given, beside PATH and HOME: what the developer's shell has set must not matter. */
  readonly env: Readonly<Record<string, string>>;
  /** Answers 200 when the service may be used. */
  readonly readyUrl?: string;
  readonly readyTimeoutMs?: number;
}

/** A built service as a process of the operating system, to be treated badly. */
export interface ServiceProcess {
  readonly name: string;
  readonly pid: number;
  /** What it has written so far (the last 200 kB), both streams. */
  readonly output: string;
  isRunning(): boolean;
  /** Resolves when it has ended, for whatever reason, with its exit status or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  waitUntilReady(): Promise<void>;
  waitForOutput(pattern: RegExp | string): Promise<void>;
  /** SIGTERM; answers the exit status once it has ended, undefined when a signal ended it. */
  stop(): Promise<number | undefined>;
  /** kill -9; answers when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it holds its connections but does nothing. */
  pause(): Promise<void>;
  resume(): void;
}

const maxOutput = 200_000;
const defaultReadyTimeoutMs = 60_000;
const stopTimeoutMs = 40_000;
const drainMs = 5_000;

/** Starts services and kills, after the tests, whatever of them still runs. */
export function useServices(): { start(options: ServiceOptions): Promise<ServiceProcess> } {
  const started: ServiceProcess[] = [];
  afterAll(async () => {
    await Promise.all(started.map((service) => service.kill()));
  });
  return {
    start: async (options) => {
      const service = await startService(options);
      started.push(service);
      await service.waitUntilReady();
      return service;
    },
  };
}

/** Starts one; the caller ends it. */
export async function startService(options: ServiceOptions): Promise<ServiceProcess> {
  const { name, args = [], nodeFlags = [], under = [], env, onOutput = () => undefined } = options;
  const entry = options.entry ?? builtEntry(name);
  const { PATH = '', HOME = '' } = process.env;
  const command = [...under, process.execPath, '--enable-source-maps', ...nodeFlags, entry, ...args];
  const [program = process.execPath, ...rest] = command;
  const child = spawn(program, rest, {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-maxOutput);
    onOutput(chunk);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const drained = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`Expected ${name} to have a process id, found none`);

  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const tail = () => output.slice(-4_000);
  const refuseEnded = async () => {
    if (isRunning()) return;
    // What it wrote last may come after its end; what it has started may hold its pipes open for as long as it likes.
    await answerWithin(drainMs, () => drained).catch(() => undefined);
    throw new EndedEarly(name, child, tail());
  };
  return {
    name,
    pid,
    get output() {
      return output;
    },
    isRunning,
    ended,
    waitUntilReady: async () => {
      const { readyUrl, readyTimeoutMs = defaultReadyTimeoutMs } = options;
      if (readyUrl === undefined) return;
      let seen = 'no answer';
      await untilOrEnded(
        async () => {
          const response = await fetch(readyUrl, { signal: AbortSignal.timeout(3_000) });
          seen = `${response.status} ${await response.text()}`;
          return response.ok;
        },
        { timeoutMs: readyTimeoutMs, describe: () => `${name} to be ready (${seen}). It wrote:\n${tail()}\n` },
      );
    },
    waitForOutput: (pattern) =>
      untilOrEnded(() => (typeof pattern === 'string' ? output.includes(pattern) : pattern.test(output)), {
        timeoutMs: defaultReadyTimeoutMs,
        describe: () => `${name} to write ${String(pattern)}. It wrote:\n${tail()}\n`,
      }),
    stop: async () => {
      child.kill('SIGTERM');
      await waitFor(() => !isRunning(), {
        timeoutMs: stopTimeoutMs,
        describe: () => `${name} to end after SIGTERM. It wrote:\n${tail()}\n`,
      });
      return child.exitCode ?? undefined;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await waitFor(() => !isRunning(), { describe: `${name} (pid ${pid}) to be gone` });
    },
    pause: async () => {
      child.kill('SIGSTOP');
      await waitFor(() => stateOf(pid) === 'T', { describe: `${name} (pid ${pid}) to be stopped` });
    },
    resume: () => void child.kill('SIGCONT'),
  };

  async function untilOrEnded(
    condition: () => boolean | Promise<boolean>,
    wait: { timeoutMs: number; describe: () => string },
  ): Promise<void> {
    await waitFor(async () => !isRunning() || (await condition()), wait);
    await refuseEnded();
  }
}

/** Whether a process is there and not a zombie; for workers that should have died with their executor. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return stateOf(pid) !== 'Z';
}

class EndedEarly extends Error {
  constructor(name: string, { exitCode, signalCode }: ChildProcess, output: string) {
    super(`Expected ${name} to run, found it ended with ${exitCode ?? signalCode}. It wrote:\n${output}`);
    this.name = 'EndedEarly';
  }
}

function builtEntry(name: string): string {
  const entry = join(__dirname, '..', '..', '..', 'dist', 'apps', name, 'src', 'main.js');
  if (!existsSync(entry)) throw new Error(`Expected the built service ${entry}, found none: npm run build`);
  return entry;
}

/** The state letter of /proc (R, S, T, Z); outside Linux it is taken for granted. */
function stateOf(pid: number): string {
  if (process.platform !== 'linux') return 'T';
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return 'X';
  }
}
