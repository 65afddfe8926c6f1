import { Inject, Injectable } from '@nestjs/common';
import { OverloadedError } from '../errors';
import type { IntakeOptions } from '../intake.config';
import { INTAKE_OPTIONS } from '../tokens';
import { OpenRuns } from './open-runs';

/** The engine takes thousands of starts a second: by then there is room again, or another refusal costs nothing. */
const retryAfterSeconds = 1;

/**
 * Refuses a start that the engine has no room for, before anything is sent: what was accepted is never dropped, so that
 * what cannot be kept must not be accepted. Two bounds: starts that wait for the runner at once, which is what is in our
 * memory and in its inbox, and runs of a project that have not ended.
 */
@Injectable()
export class Admission {
  private starts = 0;

  constructor(
    @Inject(INTAKE_OPTIONS) private readonly options: Pick<IntakeOptions, 'limits'>,
    private readonly openRuns: OpenRuns,
  ) {}

  /** @throws OverloadedError with the name of the limit that is reached */
  async start<T>(project: string, send: () => Promise<T>): Promise<T> {
    const { startsInFlight } = this.options.limits;
    if (this.starts >= startsInFlight) throw new OverloadedError('startsInFlight', startsInFlight, retryAfterSeconds);
    this.starts++;
    try {
      return await this.openRuns.begin(project, send);
    } finally {
      this.starts--;
    }
  }
}
