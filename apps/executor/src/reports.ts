import { exchanges, routingKeys, type Report } from '@ryax/contracts';
import type { Addressed } from './attempt-name';
import type { Envelopes } from './envelope';
import { jsonSize } from './json-size';
import type { Outbox } from './outbox';

type Common = 'run_id' | 'execution' | 'attempt' | 'executor' | 'incarnation';
type WithoutCommon<R> = R extends Report ? Omit<R, Common> : never;
/** What is said of an attempt; who it is and who says it is added here. */
export type ReportBody = WithoutCommon<Report>;

export interface Reporter {
  readonly executor: string;
  readonly incarnation: string;
}

/** Ids, names and attributes of a report, besides what it says. */
const frameBytes = 512;

/** Says to the runner what became of attempts: on the partition that asked, packed by the outbox. */
export class Reports {
  constructor(
    private readonly outbox: Outbox,
    private readonly reporter: Reporter,
    private readonly envelopes: Envelopes,
  ) {}

  send(of: Addressed, body: ReportBody, confirmed?: () => void): void {
    const { run_id, execution, attempt, reply_partition } = of;
    const { executor, incarnation } = this.reporter;
    const data: Report = { ...body, run_id, execution, attempt, executor, incarnation };
    this.outbox.add(
      { exchange: exchanges.runner.name, routingKey: routingKeys.runnerPartition(reply_partition) },
      {
        message: this.envelopes.about(of, 'execution.report', data),
        bytes: frameBytes + bodyBytes(body),
        // An end alone cannot be had again by asking, once this process is gone.
        persistent: body.report === 'ended',
        ...(confirmed === undefined ? {} : { confirmed }),
      },
    );
  }
}

function bodyBytes(body: ReportBody): number {
  switch (body.report) {
    case 'ended':
      return outcomeBytes(body.outcome);
    case 'returned':
      return body.reason.length;
    case 'started':
    case 'holding':
    case 'unknown':
      return 0;
    default:
      return body satisfies never;
  }
}

/** About how much an outcome takes, in a message and in memory. */
export function outcomeBytes(outcome: Extract<ReportBody, { report: 'ended' }>['outcome']): number {
  switch (outcome.status) {
    case 'succeeded':
      return jsonSize(outcome.outputs) + (outcome.warnings === undefined ? 0 : jsonSize(outcome.warnings));
    case 'failed':
      return outcome.failure.message.length + jsonSize(outcome.failure.details ?? null);
    case 'cancelled':
      return 0;
    default:
      return outcome satisfies never;
  }
}
