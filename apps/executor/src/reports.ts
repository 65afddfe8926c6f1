import { exchanges, routingKeys, type Answer, type Report } from '@ryax/contracts';
import type { Addressed } from './attempt-name';
import type { Envelopes } from './envelope';
import { jsonSize } from './json-size';
import type { Letter, Outbox } from './outbox';

type Common = 'run_id' | 'execution' | 'attempt' | 'executor' | 'incarnation';
type WithoutCommon<R> = R extends unknown ? Omit<R, Common> : never;
/** What becomes of an attempt; who it is and who says it is added here. */
export type ReportBody = WithoutCommon<Extract<Report, { report: 'started' | 'ended' }>>;
type EndBody = Extract<ReportBody, { report: 'ended' }>;
/** What is said to a start or to a query of an attempt; the same is added here. */
export type AnswerBody = WithoutCommon<Answer>;

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
    const isEnd = body.report === 'ended';
    this.add(of, {
      message: this.envelopes.about(of, 'execution.report', isEnd ? this.end(of, body) : this.by(of, body)),
      bytes: frameBytes + (isEnd ? outcomeBytes(body.outcome) : 0),
      // An end alone cannot be had again by asking, once this process is gone.
      persistent: isEnd,
      ...(confirmed === undefined ? {} : { confirmed }),
    });
  }

  answer(of: Addressed, body: AnswerBody): void {
    this.add(of, {
      message: this.envelopes.about(of, 'execution.answer', this.by(of, body)),
      bytes: frameBytes + (body.answer === 'returned' ? body.reason.length : 0),
      persistent: false,
    });
  }

  /** As {@link by}, field by field: made for every attempt, and a spread of different things leaves ten times as much to be collected. */
  private end({ run_id, execution, attempt }: Addressed, { outcome, duration_ms }: EndBody): Report {
    const { executor, incarnation } = this.reporter;
    return { report: 'ended', run_id, execution, attempt, executor, incarnation, outcome, duration_ms };
  }

  private by<Body extends object>({ run_id, execution, attempt }: Addressed, body: Body): Body & Pick<Report, Common> {
    const { executor, incarnation } = this.reporter;
    return { ...body, run_id, execution, attempt, executor, incarnation };
  }

  private add({ reply_partition }: Addressed, letter: Letter): void {
    const target = { exchange: exchanges.runner.name, routingKey: routingKeys.runnerPartition(reply_partition) };
    this.outbox.add(target, letter);
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
