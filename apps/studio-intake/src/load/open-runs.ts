import { Inject, Injectable } from '@nestjs/common';
import { Clock, Log, runOwned } from '@ryax/platform';
import { OverloadedError } from '../errors';
import type { IntakeOptions } from '../intake.config';
import { StateStoreClient } from '../state-store.client';
import { INTAKE_OPTIONS } from '../tokens';

/** Age at which a count is asked for again. Only while somebody starts runs: an idle project costs nothing. */
const countForMs = 1_000;
const retryAfterSeconds = 1;

/** A start that may be the repeat of another. */
export interface KeyedStart {
  /** Told to the caller who is refused: run id and key. */
  readonly facts: Readonly<Record<string, string>>;
  /** Whether there is such a run, so that this is a repeat, or a conflict with it. */
  readonly hasBegun: () => Promise<boolean>;
}

interface Count {
  /** When it was last asked for; -Infinity before the first time. */
  askedAt: number;
  isAsking: boolean;
  /** In the log at that time. */
  open: number;
  /** Begun here since then. */
  begun: number;
  /** On their way: not answered yet, in the log or not. */
  sending: number;
}

/**
 * Runs of each project that have not ended: counted in the log once a second, and in between by what is started here. So
 * nobody waits for a count, and the bound is exceeded by no more than what all replicas of the intake together start within
 * a second.
 */
@Injectable()
export class OpenRuns {
  private readonly counts = new Map<string, Count>();

  constructor(
    @Inject(INTAKE_OPTIONS) private readonly options: Pick<IntakeOptions, 'limits'>,
    private readonly stateStore: StateStoreClient,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * A repeat gets its reply also where there is no room, as it begins nothing. It is looked for only there.
   *
   * @throws OverloadedError when the project has as many as it may have
   */
  async begin<T>(project: string, send: () => Promise<T>, keyed?: KeyedStart): Promise<T> {
    const count = this.countOf(project);
    const { runsInFlightPerProject: limit } = this.options.limits;
    if (this.clock.monotonicMs() - count.askedAt >= countForMs && !count.isAsking) {
      runOwned(this.log, 'count of open runs', () => this.ask(project, count));
    }
    if (count.open + count.begun + count.sending >= limit) {
      if (keyed !== undefined && (await keyed.hasBegun())) return send();
      throw new OverloadedError('runsInFlightPerProject', limit, retryAfterSeconds, keyed?.facts);
    }
    count.sending++;
    try {
      const started = await send();
      count.begun++;
      return started;
    } finally {
      count.sending--;
    }
  }

  private countOf(project: string): Count {
    let count = this.counts.get(project);
    if (count === undefined) {
      count = { askedAt: -Infinity, isAsking: false, open: 0, begun: 0, sending: 0 };
      this.counts.set(project, count);
    }
    return count;
  }

  /** What is begun from now on may be counted there, too: better once too often. */
  private async ask(project: string, count: Count): Promise<void> {
    count.isAsking = true;
    const before = count.begun;
    try {
      const { open_runs: open } = await this.stateStore.query('project.load', { project });
      count.open = open;
      count.begun -= before;
    } catch (error) {
      this.log.warn('The open runs of a project could not be counted; the last count stands', { project, error });
    } finally {
      count.askedAt = this.clock.monotonicMs();
      count.isAsking = false;
    }
  }
}
