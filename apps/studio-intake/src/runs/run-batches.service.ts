import { Inject, Injectable } from '@nestjs/common';
import type { Fault } from '@ryax/contracts';
import { Clock, Log } from '@ryax/platform';
import type { Principal } from '../auth.guard';
import { answerTo } from '../error.filter';
import { OverloadedError } from '../errors';
import type { IntakeOptions } from '../intake.config';
import { INTAKE_OPTIONS } from '../tokens';
import { faultInBatch, isAnyKeyed, readItem } from './batch-request';
import { notDeployed, Runs, type StartedRun } from './runs.service';

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
      /** Where no answer came in time, or there was no room: what to ask for, and under which key to ask again. */
      readonly run_id?: string;
      readonly idempotency_key?: string;
      /** Where there was no room: for what, and in how many seconds to ask again. */
      readonly limit?: string;
      readonly retry_after?: number;
    };

/** Starts many runs of one workflow in one call. */
@Injectable()
export class RunBatches {
  constructor(
    private readonly runs: Runs,
    private readonly clock: Clock,
    private readonly log: Log,
    @Inject(INTAKE_OPTIONS) private readonly options: Pick<IntakeOptions, 'limits' | 'commandDeadlineMs'>,
  ) {}

  /**
   * One answer for each item, in their order; what is wrong with one spoils no other. The items are begun in their order, so
   * many at once as there is room for, and never more than half of all room: the others wait for those before them. Otherwise
   * a batch that is repeated would again give all room to the items that it was given before, and never come to its end.
   *
   * @throws what concerns all of them: the workflow is unknown, or not deployed and none of them can be a repeat
   */
  async start(
    caller: Principal,
    workflowId: string,
    items: readonly unknown[],
    key: string | undefined,
  ): Promise<BatchItemAnswer[]> {
    const workflow = await this.runs.pin(caller, workflowId);
    if (!workflow.isDeployed && !isAnyKeyed(items, key)) throw notDeployed(workflow);
    const { startsInFlight } = this.options.limits;
    const deadline = this.clock.monotonicMs() + this.options.commandDeadlineMs;
    const begin = async (item: unknown, index: number) => {
      // An engine that is so slow has no room for the rest.
      if (this.clock.monotonicMs() >= deadline) throw new OverloadedError('startsInFlight', startsInFlight, 1);
      return this.runs.startPinned(caller, workflow, readItem(item, index, key));
    };
    const started = await settleInWaves(items, Math.max(1, Math.floor(startsInFlight / 2)), begin);
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

/**
 * Like `Promise.allSettled`, a bounded number at a time. What finds no room beside others of its own waits for them: whoever
 * had it in hand puts it back and retires, and only the last takes a refusal for an answer.
 */
async function settleInWaves<T, R>(
  items: readonly T[],
  width: number,
  act: (item: T, index: number) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const outcomes: PromiseSettledResult<R>[] = [];
  const left = [...items.keys()].reverse();
  let atWork = Math.min(width, items.length);
  const work = async () => {
    for (let index = left.pop(); index !== undefined; index = left.pop()) {
      const [outcome] = await Promise.allSettled([act(items[index] as T, index)]);
      if (outcome.status === 'rejected' && isWithoutRoom(outcome.reason) && atWork > 1) {
        left.push(index);
        left.sort((one, other) => other - one);
        break;
      }
      outcomes[index] = outcome;
    }
    atWork--;
  };
  await Promise.all(Array.from({ length: atWork }, work));
  return outcomes;
}

/** Beside what is in hand now; the runs of a project do not end so soon. */
function isWithoutRoom(error: unknown): boolean {
  return error instanceof OverloadedError && error.limit === 'startsInFlight';
}
