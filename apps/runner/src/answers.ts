import { parseStreamId, type Report } from '@ryax/contracts';
import type { ExecutorRegistry } from './executors';
import type { Outbox } from './outbox';
import type { Reconciliation } from './reconciliation';
import type { StreamStore } from './stream-store';
import type { Takeover } from './takeover';
import type { WorkIndex } from './work-index';

export interface AnswersParts {
  readonly index: WorkIndex;
  readonly reconciliation: Reconciliation;
  readonly takeover: Takeover;
  readonly executors: ExecutorRegistry;
  readonly outbox: Outbox;
  readonly store: StreamStore;
}

/** What executors say about who holds what: it changes what we watch, not what is in the log. */
export class Answers {
  constructor(private readonly parts: AnswersParts) {}

  heard(streamId: string, report: Report): void {
    const { index, reconciliation } = this.parts;
    const attempt = index.attempt(streamId, report.execution, report.attempt);
    if (attempt === undefined) {
      if (report.report === 'holding') this.stop(streamId, report);
      return;
    }
    reconciliation.answered(attempt, report);
  }

  /** An executor holds what the log has ended: it is told to stop. During a takeover we do not know yet what is open. */
  private stop(streamId: string, { run_id, execution, attempt, incarnation }: Report): void {
    const { takeover, outbox, store, executors } = this.parts;
    const name = parseStreamId(streamId);
    const site = executors.siteOf(incarnation);
    if (takeover.isRunning || !takeover.isOurs(streamId) || name === undefined || site === undefined) return;
    const address = { project: name.project, run_id, execution, attempt, reply_partition: store.partitionOf(streamId) };
    outbox.cancel(site, { ...address, force: true });
  }
}
