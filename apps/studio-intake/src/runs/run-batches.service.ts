import { Injectable } from '@nestjs/common';
import type { Fault } from '@ryax/contracts';
import { Log } from '@ryax/platform';
import type { Principal } from '../auth.guard';
import { answerTo } from '../error.filter';
import { faultInBatch, readItem } from './batch-request';
import { Runs, type StartedRun } from './runs.service';

/** What became of one item: as if it had been asked for alone, with the status that it would have been answered with. */
export type BatchItemAnswer =
  | {
      readonly status: 202;
      readonly run_id: string;
      readonly workflow_id: string;
      readonly workflow_version: number;
      readonly state: string;
    }
  | {
      readonly status: number;
      readonly error: string;
      readonly details: readonly Fault[];
      /** Where no answer came in time: what to ask for, and under which key to ask again. */
      readonly run_id?: string;
      readonly idempotency_key?: string;
      /** Where there was no room: for what, and in how many seconds to ask again. */
      readonly limit?: string;
      readonly retry_after?: number;
    };

/** Items that write to the filestore at the same time: enough to keep it busy, and far from what a process may hold open. */
const preparedAtOnce = 32;

/** Starts many runs of one workflow in one call. */
@Injectable()
export class RunBatches {
  constructor(
    private readonly runs: Runs,
    private readonly log: Log,
  ) {}

  /**
   * One answer for each item, in their order; what is wrong with one spoils no other.
   *
   * @throws what concerns all of them: the workflow is unknown, or not deployed
   */
  async start(
    caller: Principal,
    workflowId: string,
    items: readonly unknown[],
    key: string | undefined,
  ): Promise<BatchItemAnswer[]> {
    const workflow = await this.runs.pin(caller, workflowId);
    const prepared = await settleEach(items, async (item, index) =>
      this.runs.prepare(caller, workflow, readItem(item, index, key)),
    );
    // All in one turn: the broker packs what is asked for together.
    const started = await Promise.allSettled(
      prepared.map(async (each) => {
        if (each.status === 'rejected') throw each.reason;
        return this.runs.send(each.value);
      }),
    );
    return started.map((each, index) =>
      each.status === 'fulfilled' ? accepted(each.value) : this.refused(each.reason, index),
    );
  }

  private refused(reason: unknown, index: number): BatchItemAnswer {
    const { status, body } = answerTo(reason, this.log);
    return { status, ...body, details: body.details.map((fault) => faultInBatch(fault, index)) };
  }
}

function accepted({ runId, workflowId, workflowVersion, state }: StartedRun): BatchItemAnswer {
  return { status: 202, run_id: runId, workflow_id: workflowId, workflow_version: workflowVersion, state };
}

/** Like `Promise.allSettled`, a bounded number at a time. */
async function settleEach<T, R>(
  items: readonly T[],
  act: (item: T, index: number) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const outcomes: PromiseSettledResult<R>[] = [];
  const left = items.entries();
  const work = async () => {
    for (const [index, item] of left) [outcomes[index]] = await Promise.allSettled([act(item, index)]);
  };
  await Promise.all(Array.from({ length: preparedAtOnce }, work));
  return outcomes;
}
