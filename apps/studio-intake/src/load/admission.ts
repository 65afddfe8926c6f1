import { Inject, Injectable } from '@nestjs/common';
import { OverloadedError } from '../errors';
import type { IntakeOptions } from '../intake.config';
import { INTAKE_OPTIONS } from '../tokens';
import { OpenRuns, type KeyedStart } from './open-runs';

/** The engine takes thousands of starts a second: by then there is room again, or another refusal costs nothing. */
const retryAfterSeconds = 1;

/**
 * Refuses what the engine has no room for, before anything of it is begun: what was accepted is never dropped, so that what
 * cannot be kept must not be accepted, and what is refused must cost little. Two bounds: starts and deployments that are in
 * hand at once, which is what is in our memory and in the runner's inbox, and runs of a project that have not ended.
 */
@Injectable()
export class Admission {
  private inHand = 0;

  constructor(
    @Inject(INTAKE_OPTIONS) private readonly options: Pick<IntakeOptions, 'limits'>,
    private readonly openRuns: OpenRuns,
  ) {}

  /**
   * @param keyed what was asked for under its caller's key
   * @throws OverloadedError with the name of the limit that is reached
   */
  async start<T>(project: string, begin: () => Promise<T>, keyed?: KeyedStart): Promise<T> {
    return this.enter(() => this.openRuns.begin(project, begin, keyed), keyed?.facts);
  }

  /** What starts no run, and is as dear. @throws OverloadedError with the name of the limit that is reached */
  async enter<T>(begin: () => Promise<T>, facts: KeyedStart['facts'] = {}): Promise<T> {
    const { startsInFlight } = this.options.limits;
    if (this.inHand >= startsInFlight) {
      throw new OverloadedError('startsInFlight', startsInFlight, retryAfterSeconds, facts);
    }
    this.inHand++;
    try {
      return await begin();
    } finally {
      this.inHand--;
    }
  }
}
