import type { Failure } from '@ryax/contracts';
import type { FileStore } from '@ryax/filestore';
import type { Clock, IdSource, Log } from '@ryax/platform';
import type { StartRequest } from '@ryax/workflow';
import { workerKey, type ExecutorRegistry } from './executors';
import type { Outbox } from './outbox';
import type { RunnerMetrics } from './runner-metrics';
import { fitInputs, mayBeLarge, startTooLarge } from './start-inputs';
import type { RunStream } from './stream-store';
import type { SufficientMemory } from './sufficient-memory';
import type { LoadableValues, Values } from './values';
import { internalItem, type WorkItem } from './work-item';
import type { TrackedAttempt, WorkIndex } from './work-index';

export interface StartsParts {
  readonly outbox: Outbox;
  readonly index: WorkIndex;
  readonly executors: ExecutorRegistry;
  readonly values: Values;
  readonly files: FileStore;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly memory: Pick<SufficientMemory, 'resourcesFor'>;
  readonly metrics: RunnerMetrics;
  readonly log: Log;
  /** Has the decider decide it soon. */
  readonly submit: (item: WorkItem) => void;
}

/** Makes the starts of attempts that were handed out: their inputs, and which executor each is sent to. */
export class Starts {
  private readonly preparing: Promise<void>[] = [];

  constructor(
    private readonly parts: StartsParts,
    private readonly options: { readonly startValidityMs: number; readonly inlineValueBytes: number },
  ) {}

  /** At once when all inputs are at hand, which they are after a hand-out; otherwise {@link takePreparing} has it. */
  emit(stream: RunStream, attempt: TrackedAttempt): void {
    const preparing = this.prepare(stream, attempt);
    if (preparing !== undefined) {
      this.preparing.push(
        preparing.catch((error: unknown) => {
          this.parts.log.error('A start could not be made', {
            stream: stream.streamId,
            execution: attempt.execution,
            error,
          });
        }),
      );
    }
  }

  /** Sends the start of an attempt again that nobody has taken. */
  emitAgain(stream: RunStream, attempt: TrackedAttempt): void {
    attempt.emittedAt = this.parts.clock.monotonicMs();
    // Newer than the start that was given back, and than what was promised with the answers to our question.
    attempt.since = Math.max(attempt.since + 1, attempt.inquiry?.since ?? 0);
    attempt.inquiry = undefined;
    attempt.holder = undefined;
    attempt.isReturned = false;
    attempt.isSuspect = false;
    this.parts.metrics.emittedAgain.inc();
    this.emit(stream, attempt);
  }

  /** Starts that wait for their inputs, each until it is in the outbox or has failed. Never reject. */
  takePreparing(): readonly Promise<void>[] {
    return this.preparing.splice(0);
  }

  private prepare(stream: RunStream, attempt: TrackedAttempt): Promise<void> | undefined {
    const values = this.parts.values.forDecision(stream.streamId);
    const answer = stream.aggregate.startRequest(attempt.execution, values);
    if (answer.type === 'none') return undefined;
    if (answer.type === 'request' && !mayBeLarge(answer.request.inputs, this.options.inlineValueBytes)) {
      this.send(attempt, answer.request);
      return undefined;
    }
    return this.prepareSlowly(stream, attempt, values);
  }

  private async prepareSlowly(stream: RunStream, attempt: TrackedAttempt, values: LoadableValues): Promise<void> {
    for (;;) {
      const answer = stream.aggregate.startRequest(attempt.execution, values);
      if (answer.type === 'none') return;
      if (answer.type === 'fault') {
        this.failed(attempt, answer.failure);
        return;
      }
      if (answer.type === 'request') {
        const inputs = await fitInputs(this.parts.files, answer.request.inputs, this.options.inlineValueBytes);
        this.send(attempt, { ...answer.request, inputs });
        return;
      }
      await values.load(answer.needs);
    }
  }

  private send(attempt: TrackedAttempt, request: StartRequest): void {
    // The state may be ahead of what is committed: another attempt than the one that was asked for starts by itself.
    if (request.attempt !== attempt.attempt) return;
    const { site, pool, project, partition, since, demand, givenBack } = attempt;
    const handler = request.action.type === 'handler' ? workerKey(project, request.action.content_hash) : undefined;
    const incarnation = this.parts.executors.place({ site, pool, demand, givenBack, handler });
    if (incarnation === undefined) {
      attempt.isReturned = true;
      return;
    }
    this.parts.index.sendTo(attempt, incarnation);
    const { run_id, workflow_id, execution, action, inputs, resources, timeout_ms } = request;
    // Field by field: made for every attempt, and a spread leaves ten times as much to be collected.
    const start = {
      run_id,
      workflow_id,
      execution,
      attempt: request.attempt,
      action,
      inputs,
      resources: this.parts.memory.resourcesFor(action, resources, () => this.parts.executors.memoryOfNode(site, pool)),
      timeout_ms,
      project,
      valid_for_ms: this.options.startValidityMs,
      reply_partition: partition,
    };
    this.parts.outbox.start(incarnation, {
      start,
      since,
      undelivered: () => this.undelivered(attempt, incarnation),
      tooLarge: () => this.failed(attempt, startTooLarge),
    });
  }

  /** As if it had been given back at once. The run may have been folded anew meanwhile. */
  private undelivered({ streamId, execution, attempt, since }: TrackedAttempt, incarnation: string): void {
    this.parts.executors.missed(incarnation);
    const tracked = this.parts.index.attempt(streamId, execution, attempt);
    if (tracked?.sentTo === incarnation && tracked.since === since) tracked.isReturned = true;
  }

  /** Its start would be as wrong each time. */
  private failed({ streamId, execution, attempt }: TrackedAttempt, failure: Failure): void {
    if (this.parts.index.attempt(streamId, execution, attempt) === undefined) return;
    const outcome = { status: 'failed', failure } as const;
    const ended = { type: 'ended', execution, attempt, executor: null, outcome, durationMs: null } as const;
    this.parts.submit(internalItem(streamId, ended, this.parts.ids.newId()));
  }
}
