import { parseStreamId, type Answer, type Report } from '@ryax/contracts';
import type { IdSource, Owner } from '@ryax/platform';
import type { DecisionLoop } from './decision-loop';
import type { ExecutorRegistry } from './executors';
import type { Outbox } from './outbox';
import type { Reconciliation } from './reconciliation';
import type { StreamStore } from './stream-store';
import type { Takeover } from './takeover';
import type { WorkIndex } from './work-index';
import { internalItem } from './work-item';

export interface AnswersParts {
  readonly index: WorkIndex;
  readonly reconciliation: Reconciliation;
  readonly takeover: Pick<Takeover, 'isRunning' | 'isOurs'>;
  readonly executors: ExecutorRegistry;
  readonly outbox: Outbox;
  readonly store: StreamStore;
  readonly loop: Pick<DecisionLoop, 'submit'>;
  readonly owner: Owner;
  readonly ids: IdSource;
}

/** What executors say about who holds what: it changes what we watch, not what is in the log. */
export class Answers {
  constructor(private readonly parts: AnswersParts) {}

  heard(streamId: string, said: Answer | Report): void {
    const { index, reconciliation, owner } = this.parts;
    const attempt = index.attempt(streamId, said.execution, said.attempt);
    if (attempt !== undefined) return reconciliation.heard(attempt, said);
    const what = 'answer' in said ? said.answer : said.report;
    if (what !== 'holding' && what !== 'started') return;
    owner.run('stop what the log has ended', () => this.stopUnlessOpen(streamId, said));
  }

  /** An executor holds what we do not know as open. Only when the log says the same is it told to stop. */
  private async stopUnlessOpen(streamId: string, said: Answer | Report): Promise<void> {
    const { takeover, index, reconciliation, executors, outbox, store, loop, ids } = this.parts;
    if (takeover.isRunning || !takeover.isOurs(streamId)) return;
    await loop.submit([internalItem(streamId, { type: 'wake' }, ids.newId())]);
    const { run_id, execution, attempt, incarnation } = said;
    const tracked = index.attempt(streamId, execution, attempt);
    if (tracked !== undefined) return reconciliation.heard(tracked, said);
    const name = parseStreamId(streamId);
    const site = executors.siteOf(incarnation);
    const isFolded = store.peek(streamId) !== undefined;
    if (!isFolded || !takeover.isOurs(streamId) || name === undefined || site === undefined) return;
    const address = { project: name.project, run_id, execution, attempt, reply_partition: store.partitionOf(streamId) };
    outbox.cancel(site, { ...address, force: true });
    await outbox.flush();
  }
}
