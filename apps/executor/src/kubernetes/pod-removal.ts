import { answerWithin, backoffMs, wait, type Log, type Owner } from '@ryax/platform';
import { reasonOf, type PodApi } from './cluster/pod-api';

const retry = { initialMs: 500, maxMs: 30_000 };
/** Somebody changes the pod at the same time. */
const mostRefusals = 10;

/** Deletes pods, each until the server has taken it. A later deletion of a pod may only shorten its grace. */
export class PodRemoval {
  private readonly underway = new Map<string, Promise<void>>();

  constructor(
    private readonly api: PodApi,
    private readonly owner: Owner,
    private readonly log: Log,
  ) {}

  /** @param graceSeconds between SIGTERM and SIGKILL; as the pod has it where it is not given */
  remove({ name, uid }: PodName, graceSeconds?: number): void {
    const key = `${uid}/${graceSeconds ?? ''}`;
    if (this.underway.has(key)) return;
    this.owner.run(`remove pod ${name}`, (signal) => {
      const taken = this.untilTaken(name, uid, graceSeconds, signal).finally(() => this.underway.delete(key));
      this.underway.set(key, taken);
      return taken;
    });
  }

  /** Resolves when the server has taken all that it was asked for so far; rejects when it has not by then. */
  async allTaken(withinMs: number): Promise<void> {
    await answerWithin(withinMs, () => Promise.allSettled(this.underway.values()));
  }

  private async untilTaken(
    name: string,
    uid: string,
    graceSeconds: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    for (let tries = 0; ; tries++) {
      const answered = await this.api.remove(name, uid, graceSeconds, signal);
      // A conflict: the pod of that name is another one now.
      if (answered.verdict === 'ok' || answered.verdict === 'gone' || answered.verdict === 'conflict') return;
      if (answered.verdict === 'rejected' && tries >= mostRefusals) {
        this.log.error('A pod cannot be deleted', { pod: name, reason: reasonOf(answered) });
        return;
      }
      const leastMs = 'retryAfterMs' in answered ? (answered.retryAfterMs ?? 0) : 0;
      await wait(Math.max(backoffMs(tries, retry), leastMs), signal);
    }
  }
}

export interface PodName {
  readonly name: string;
  readonly uid: string;
}
