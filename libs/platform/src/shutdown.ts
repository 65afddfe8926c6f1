import { Injectable } from '@nestjs/common';
import type { Log } from './log';

/** In this order: first nothing new is taken, then what is held is finished or handed back, then connections close. */
export const shutdownPhases = ['stop-taking', 'finish', 'close'] as const;
export type ShutdownPhase = (typeof shutdownPhases)[number];

export interface ShutdownOptions {
  /** For all phases together; stay below the 30 s after which Kubernetes kills. */
  readonly deadlineMs?: number;
}

interface Step {
  readonly phase: ShutdownPhase;
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

const defaultDeadlineMs = 20_000;
const forcedExitCode = 130;

/**
 * Ends a service in order. Steps of one phase run one after the other, the latest registered first, as what was
 * started later may lean on what was started earlier. A step that fails is logged and does not keep the next from running.
 */
@Injectable()
export class Shutdown {
  private readonly steps: Step[] = [];
  private readonly deadlineMs: number;
  private ended: Promise<boolean> | undefined;

  constructor(
    private readonly log: Log,
    { deadlineMs = defaultDeadlineMs }: ShutdownOptions = {},
  ) {
    this.deadlineMs = deadlineMs;
  }

  /** Adds a step; allowed until the shutdown begins. */
  add(phase: ShutdownPhase, name: string, stop: () => Promise<void> | void): void {
    this.steps.push({ phase, name, stop });
  }

  /** Runs all steps once, whoever asks how often; answers whether all of them ended well and in time. */
  run(reason: string): Promise<boolean> {
    this.ended ??= this.end(reason);
    return this.ended;
  }

  /** On SIGTERM or SIGINT: shut down and exit (1 when it did not end well); a second signal exits at once. */
  listen(target: NodeJS.Process = process): void {
    const onSignal = (signal: NodeJS.Signals) => {
      if (this.ended) {
        target.exit(forcedExitCode);
        return;
      }
      this.run(signal).then(
        (clean) => target.exit(clean ? 0 : 1),
        (error: unknown) => {
          this.log.error('The shutdown itself failed', { error });
          target.exit(1);
        },
      );
    };
    target.on('SIGTERM', onSignal);
    target.on('SIGINT', onSignal);
  }

  private async end(reason: string): Promise<boolean> {
    this.log.info('Shutdown began', { reason, steps: this.steps.length });
    const progress: Progress = { current: undefined, failed: [], abandoned: false };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.deadlineMs);
    });
    const outcome = await Promise.race([this.runSteps(progress), late]);
    clearTimeout(timer);
    if (outcome === 'late') {
      progress.abandoned = true;
      this.log.error('Shutdown ran out of time', { deadline_ms: this.deadlineMs, step: progress.current });
      return false;
    }
    this.log.info('Shutdown ended', { failed: progress.failed });
    return progress.failed.length === 0;
  }

  private async runSteps(progress: Progress): Promise<void> {
    for (const phase of shutdownPhases) {
      for (const step of this.steps.filter((candidate) => candidate.phase === phase).reverse()) {
        if (progress.abandoned) return;
        progress.current = step.name;
        try {
          await step.stop();
        } catch (error) {
          progress.failed.push(step.name);
          this.log.error('A shutdown step failed', { step: step.name, phase, error });
        }
      }
    }
  }
}

interface Progress {
  current: string | undefined;
  readonly failed: string[];
  abandoned: boolean;
}
