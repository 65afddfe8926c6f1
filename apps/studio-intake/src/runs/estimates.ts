import { Injectable } from '@nestjs/common';
import type { JsonObject } from '@ryax/contracts';
import { Clock, Log } from '@ryax/platform';
import type { Principal } from '../auth.guard';
import { StateStoreClient } from '../state-store.client';

/** When a run that was just accepted will probably end. */
@Injectable()
export class Estimates {
  constructor(
    private readonly stateStore: StateStoreClient,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** A guess is not worth an error: without one the run has been accepted all the same. */
  async of({ project }: Principal, definitionHash: string, inputs: JsonObject): Promise<JsonObject> {
    try {
      const estimate = await this.stateStore.query('run.estimate', {
        project,
        definition_hash: definitionHash,
        inputs,
      });
      const { duration_ms: durationMs, confidence, basis } = estimate;
      const completion = durationMs === null ? null : new Date(this.clock.wallMs() + durationMs).toISOString();
      return { estimated_completion: completion, estimate: { duration_ms: durationMs, confidence, basis } };
    } catch (error) {
      this.log.warn('A run was accepted without an estimate', { error });
      return { estimated_completion: null, estimate: null };
    }
  }
}
