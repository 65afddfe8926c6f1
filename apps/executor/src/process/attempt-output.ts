import type { Outcome } from '@ryax/contracts';
import type { LogSink } from '../launcher';
import { LastLine } from './last-line';
import { MaskedOutput, maskText } from './masked-output';

/** What one attempt writes: two pipes into one log, in which no secret of its inputs is to be read. */
export class AttemptOutput {
  readonly stdout: MaskedOutput;
  readonly stderr: MaskedOutput;
  private readonly log: LastLine;

  constructor(
    sink: LogSink,
    private readonly secrets: readonly string[],
  ) {
    this.log = new LastLine(sink);
    this.stdout = new MaskedOutput(this.log, secrets);
    this.stderr = new MaskedOutput(this.log, secrets);
  }

  /** Nothing more will come. */
  flush(): void {
    this.stdout.flush();
    this.stderr.flush();
  }

  /** What the attempt itself has said last, as a part of a message. */
  get lastWords(): string {
    return this.log.text === '' ? '' : `: ${this.log.text}`;
  }

  /** The outcome without secrets in its message, which stands in events. Outputs are the action's own business. */
  masked(outcome: Outcome): Outcome {
    if (outcome.status !== 'failed') return outcome;
    return {
      status: 'failed',
      failure: { ...outcome.failure, message: maskText(outcome.failure.message, this.secrets) },
    };
  }
}
