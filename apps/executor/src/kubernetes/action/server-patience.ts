import { messageOf, type Clock } from '@ryax/platform';
import { AttemptFailure } from '../../process/attempt-failure';
import type { SiteConfig } from '../site-config';
import { ActionServerRefusal } from './action-server';
import { UnreachedTime } from './unreached-time';

/**
 * How long the server of a pod that runs is asked again. One that was reached and cannot be now may have gone on with its attempt: the
 * pod alone says when that is over. But one that answers with errors of its own, takes the attempt and says no word, or was never
 * reached, would be asked for ever.
 */
export class ServerPatience {
  private readonly unreached: UnreachedTime;
  private failedAtMs: number | undefined;
  /** For how long it has been wrong. Time in which it could not be reached does not count, and makes nothing good. */
  private wrongMs = 0;
  private isWordless = false;

  /** @param wasReached by an executor before this one */
  constructor(
    private readonly patience: Pick<SiteConfig['patienceMs'], 'starting' | 'unreachable'>,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private wasReached: boolean,
  ) {
    this.unreached = new UnreachedTime(clock);
  }

  /** It takes what is brought to it, so much that it gets on. */
  get gotOn(): () => void {
    return this.unreached.gotOn;
  }

  /** It has taken what was brought to it, and does not have the attempt yet. */
  brought(): void {
    this.unreached.answered();
    this.failedAtMs = undefined;
  }

  /** It has the attempt. What it says of it is yet to come. */
  took(): void {
    this.wasReached = true;
    this.isWordless = true;
  }

  /** It has said something as it should. */
  answered(): void {
    this.wasReached = true;
    this.isWordless = false;
    this.failedAtMs = undefined;
    this.wrongMs = 0;
  }

  /**
   * It has not. To be asked again, unless this throws.
   * @throws AttemptFailure when this has gone on for too long: another pod may fare better
   */
  failed(error: unknown): void {
    const nowMs = this.clock.monotonicMs();
    const sinceLastMs = nowMs - (this.failedAtMs ?? nowMs);
    this.failedAtMs = nowMs;
    if (error instanceof ActionServerRefusal) return this.wrong(sinceLastMs, `${error.status}: ${error.reason}`, error);
    if (this.isWordless) return this.wrong(sinceLastMs, 'an answer without a word', error);
    const unreachedMs = this.unreached.failed();
    if (this.wasReached || unreachedMs < this.patience.starting) return;
    const what = `The action's server was not reached for ${seconds(unreachedMs)}: ${messageOf(error)}`;
    throw lost(`${what}. Check that the executor can reach pods, and that its image is that of an action`, error);
  }

  private wrong(sinceLastMs: number, what: string, error: unknown): void {
    this.wasReached = true;
    this.isWordless = false;
    this.wrongMs += sinceLastMs;
    if (this.wrongMs < this.patience.unreachable) return;
    throw lost(`The action's server has answered with errors for ${seconds(this.wrongMs)}, at last ${what}`, error);
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function lost(message: string, cause: unknown): AttemptFailure {
  return new AttemptFailure({ kind: 'lost', message }, { cause });
}
