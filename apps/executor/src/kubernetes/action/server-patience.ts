import { messageOf, type Clock } from '@ryax/platform';
import { AttemptFailure } from '../../process/attempt-failure';
import type { SiteConfig } from '../site-config';
import { ActionServerRefusal } from './action-server';

/**
 * How long the server of a pod that runs is asked again. One that was reached and cannot be now may have gone on with its attempt: the
 * pod alone says when that is over. But one that answers with errors of its own, or was never reached, would be asked for ever.
 */
export class ServerPatience {
  private unreachedSinceMs: number | undefined;
  private failingSinceMs: number | undefined;

  /** @param wasReached of the pod of another executor: perhaps by that one */
  constructor(
    private readonly patience: Pick<SiteConfig['patienceMs'], 'starting' | 'unreachable'>,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private wasReached: boolean,
  ) {}

  /** It has answered as it should. */
  answered(): void {
    this.wasReached = true;
    this.failingSinceMs = undefined;
  }

  /**
   * It has not. To be asked again, unless this throws.
   * @throws AttemptFailure when this has gone on for too long: another pod may fare better
   */
  failed(error: unknown): void {
    const nowMs = this.clock.monotonicMs();
    if (error instanceof ActionServerRefusal) {
      this.wasReached = true;
      this.failingSinceMs ??= nowMs;
      const failingMs = nowMs - this.failingSinceMs;
      if (failingMs < this.patience.unreachable) return;
      const what = `The action's server has answered with errors for ${seconds(failingMs)}`;
      throw lost(`${what}, at last ${error.status}: ${error.reason}`, error);
    }
    this.failingSinceMs = undefined;
    this.unreachedSinceMs ??= nowMs;
    const unreachedMs = nowMs - this.unreachedSinceMs;
    if (this.wasReached || unreachedMs < this.patience.starting) return;
    const what = `The action's server was not reached for ${seconds(unreachedMs)}: ${messageOf(error)}`;
    throw lost(`${what}. Check that the executor can reach pods, and that its image is that of an action`, error);
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function lost(message: string, cause: unknown): AttemptFailure {
  return new AttemptFailure({ kind: 'lost', message }, { cause });
}
