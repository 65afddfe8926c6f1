import { limits, type Failure, type JsonObject, type RunEvent } from '@ryax/contracts';
import { evolve } from './evolve';
import { nameOf } from './names';
import type { DecideContext, Need, RecordedRunEvent, RunDecision, RunReply, ValueSource } from './run-aggregate';
import { shortened } from './shortened';
import type { Instance, RunState } from './state';

/**
 * One decision in the making. What it decides takes effect on the state at once, so that what follows from it (a
 * chain of skips, a group's end, the run's end) is decided over its own effects.
 */
export class Deciding {
  readonly events: RunEvent[] = [];
  readonly needs: Need[] = [];
  readonly values: ValueSource;
  private readonly firstVersion: number;

  constructor(
    readonly state: RunState,
    readonly context: DecideContext,
  ) {
    this.firstVersion = state.version + 1;
    this.values = {
      event: (version) => this.ownValue(version) ?? context.values.event(version),
      content: (hash) => context.values.content(hash),
      stored: (name) => context.values.stored(name),
    };
  }

  get now(): number {
    return this.context.now;
  }

  emit(event: RunEvent): void {
    this.events.push(event);
    const { type, data } = event;
    const version = this.state.version + 1;
    evolve(this.state, { type, data, version, recordedAt: this.now } as RecordedRunEvent);
  }

  /** Fails what no attempt was made of. */
  failWithoutAttempt(instance: Instance, reason: Failure): void {
    const failure = shortened(reason, limits.inlineValueBytes);
    const data = {
      execution: nameOf(instance),
      attempt: null,
      failure,
      will_retry: false,
      executor: null,
      duration_ms: null,
    };
    this.emit({ type: 'ExecutionFailed', data });
  }

  /** What this decision recorded itself is in no log yet. */
  private ownValue(version: number): JsonObject | undefined {
    const event = this.events[version - this.firstVersion];
    if (event?.type === 'ExecutionSucceeded') return event.data.outputs;
    return event?.type === 'RunStarted' ? event.data.inputs : undefined;
  }

  decided(reply: RunReply | null): RunDecision {
    return { type: 'decided', events: this.events, reply, needs: this.needs };
  }
}
