import type { Outcome } from '@ryax/contracts';
import { longestTimerMs } from '@ryax/platform';
import type { Launch } from '../launcher';
import { watchResources, type Breach } from './resource-watch';

/** Why an attempt is ended before its own end. */
export type Stop =
  | { readonly type: 'cancelled' }
  | { readonly type: 'closing' }
  | { readonly type: 'timeout'; readonly limitMs: number }
  | { readonly type: 'breach'; readonly breach: Breach };

/** What can be stopped: a worker or a command. */
export interface Stoppable {
  readonly pid: number | undefined;
  /** SIGTERM, and SIGKILL after a grace. */
  terminate(): void;
  kill(): void;
}

/** Ends one attempt early: when it is asked to, when its time is over, when it takes more than it may. */
export class AttemptControl {
  /** The first reason counts. */
  private reason: Stop | undefined;
  private target: Stoppable | undefined;

  get stopped(): Stop | undefined {
    return this.reason;
  }

  stop(reason: Stop, how: 'terminate' | 'kill'): void {
    this.reason ??= reason;
    if (how === 'kill') this.target?.kill();
    else this.target?.terminate();
  }

  /** Lets `work` run on the target within the launch's bounds. What was stopped before it began is not begun. */
  async supervise<T>(target: Stoppable, launch: Launch, work: () => Promise<T>): Promise<T | undefined> {
    if (this.reason !== undefined) return undefined;
    this.target = target;
    const timer = this.startTimer(launch);
    const unwatch = this.watch(target, launch);
    try {
      return await work();
    } finally {
      unwatch();
      clearTimeout(timer);
      this.target = undefined;
    }
  }

  private startTimer(launch: Launch): NodeJS.Timeout | undefined {
    const limitMs = timeLimitMs(launch);
    if (limitMs === undefined) return undefined;
    return setTimeout(() => this.stop({ type: 'timeout', limitMs }, 'terminate'), Math.min(limitMs, longestTimerMs));
  }

  /** Answers how to end it. */
  private watch({ pid }: Stoppable, launch: Launch): () => void {
    const { cpu, memory_bytes: memoryBytes } = launch.resources;
    const limitMs = timeLimitMs(launch);
    // So many cores for so long is so much CPU time. Without both figures there is no bound to speak of.
    const cpuMs = cpu === undefined || limitMs === undefined ? undefined : Math.max(1, cpu) * limitMs;
    if (pid === undefined || (memoryBytes === undefined && cpuMs === undefined)) return () => undefined;
    // Only where there is something to watch: to abort costs as much as all else here.
    const over = new AbortController();
    void watchResources(pid, { memoryBytes, cpuMs }, over.signal).then((breach) => {
      if (breach !== undefined) this.stop({ type: 'breach', breach }, 'kill');
    });
    return () => over.abort();
  }
}

/** What an attempt becomes that was stopped for this reason. */
export function outcomeOfStop(stop: Stop): Outcome {
  switch (stop.type) {
    case 'cancelled':
      return { status: 'cancelled' };
    case 'closing':
      return { status: 'failed', failure: { kind: 'lost', message: 'The executor was shut down' } };
    case 'timeout':
      return { status: 'failed', failure: { kind: 'timeout', message: `The time limit of ${stop.limitMs} ms passed` } };
    case 'breach':
      return { status: 'failed', failure: failureOfBreach(stop.breach) };
    default:
      return stop satisfies never;
  }
}

function failureOfBreach(breach: Breach) {
  switch (breach.resource) {
    case 'memory': {
      const message = `Used ${mebibytes(breach.used)} MiB of memory, allowed are ${mebibytes(breach.allowed)} MiB`;
      return { kind: 'out-of-memory' as const, message, details: { memory_bytes: breach.allowed } };
    }
    case 'cpu': {
      const message = `Used ${seconds(breach.usedMs)} s of CPU time, allowed are ${seconds(breach.allowedMs)} s (cores × time limit)`;
      return { kind: 'timeout' as const, message };
    }
    default:
      return breach satisfies never;
  }
}

function timeLimitMs({ timeoutMs, resources: { time_ms: declaredMs } }: Launch): number | undefined {
  const limitMs = Math.min(timeoutMs ?? Infinity, declaredMs ?? Infinity);
  return limitMs === Infinity ? undefined : limitMs;
}

const mebibytes = (bytes: number) => Math.round(bytes / 1024 ** 2);
const seconds = (ms: number) => (ms / 1000).toFixed(1);
