import { EVENT_SCHEMA, type CommandReply, type DomainEvent, type JsonObject, type Rejection } from '@ryax/contracts';
import type { DatabaseClock, NewEvent, SeenHead } from '@ryax/event-log';
import type { DecideContext, Need } from '@ryax/workflow';
import type { Handled } from './stream';
import type { AnyStream } from './stream-store';
import type { LoadableValues, Values } from './values';
import type { StreamWork, WorkItem } from './work-item';

/** One item and what it came to. */
export interface Decided {
  readonly item: WorkItem;
  readonly reply: CommandReplyBody | undefined;
}

/** A reply before its place in the log is known. */
export type CommandReplyBody =
  | { readonly status: 'accepted'; readonly result: JsonObject }
  | { readonly status: 'rejected'; readonly rejection: Rejection };

/** All that one cycle has decided for one stream; appended as one decision. */
export interface StreamDecision {
  readonly stream: AnyStream;
  readonly items: Decided[];
  readonly events: { readonly event: DomainEvent; readonly stored: NewEvent }[];
  /** The head that the decision stands on. */
  readonly baseVersion: number;
  readonly baseHash: string | null;
  /** Database time of the newest of its items. */
  decidedAt: number;
  /** What the start of a new run pins was seen at this head. */
  given: SeenHead | undefined;
}

/**
 * Decides items for one stream after the other: load, decide, keep the events. Writes nothing: what comes out is appended
 * by the cycle, and a stream whose append fails must be forgotten, as its state has run ahead of the log.
 */
export class Decider {
  constructor(
    private readonly values: Values,
    private readonly clock: Pick<DatabaseClock, 'now'>,
    private readonly random: () => number,
  ) {}

  /** Starts a decision for a stream at the head that its cached state stands at. */
  begin(stream: AnyStream): StreamDecision {
    const { version: baseVersion, hash: baseHash } = stream;
    return { stream, items: [], events: [], baseVersion, baseHash, decidedAt: 0, given: undefined };
  }

  /** At once when all values are at hand, which they nearly always are; otherwise to be awaited. */
  decide(decision: StreamDecision, item: WorkItem): Promise<void> | undefined {
    const isNew = decision.baseVersion === 0 && decision.events.length === 0;
    return this.handle(decision, item.work, item.cause, (handled) => {
      if (isNew && decision.events.length > 0) decision.given = item.given;
      decision.items.push({ item, reply: handled === undefined ? undefined : replyOf(handled) });
    });
  }

  /** Decides something that has no item of its own, work handed out by the dispatch: as {@link decide}. */
  decideInternally(decision: StreamDecision, work: StreamWork, cause: WorkItem['cause']): Promise<void> | undefined {
    return this.handle(decision, work, cause, () => undefined);
  }

  /** Database time for decisions about this stream: never below its last event. */
  contextFor(stream: AnyStream): Omit<DecideContext, 'values'> {
    return { now: Math.max(this.clock.now(), stream.lastEventAt), random: this.random };
  }

  private handle(
    decision: StreamDecision,
    work: StreamWork,
    cause: WorkItem['cause'],
    done: (first: Handled | undefined) => void,
  ): Promise<void> | undefined {
    const { stream } = decision;
    const values = this.values.forDecision(stream.streamId, (version) => decidedValue(decision, version));
    const { now, random } = this.contextFor(stream);
    const context = { now, random, values };
    decision.decidedAt = now;
    const first = dispatchToAggregate(stream, work, context);
    if (first?.type === 'decided') {
      record(decision, first.events, now, cause);
      if (first.needs.length > 0) {
        return this.handleAfterLoading(decision, work, cause, context, first.needs).then(() => done(first));
      }
    }
    done(first);
    return undefined;
  }

  private async handleAfterLoading(
    decision: StreamDecision,
    work: StreamWork,
    cause: WorkItem['cause'],
    context: DecideContext & { readonly values: LoadableValues },
    firstNeeds: readonly Need[],
  ): Promise<void> {
    const { stream } = decision;
    let needs = firstNeeds;
    while (needs.length > 0) {
      await context.values.load(needs);
      const handled = dispatchToAggregate(stream, afterLoading(work), context);
      if (handled?.type !== 'decided') return;
      record(decision, handled.events, context.now, cause);
      needs = handled.needs;
    }
  }
}

/** What an event of this decision records: it is in no log yet, and what is handed out beside it may need it. */
function decidedValue({ baseVersion, events }: StreamDecision, version: number): JsonObject | undefined {
  const event = events[version - baseVersion - 1]?.event;
  if (event?.type === 'ExecutionSucceeded') return event.data.outputs;
  return event?.type === 'RunStarted' ? event.data.inputs : undefined;
}

/** What was decided stands for itself; a second look decides what the loaded values were needed for. */
function afterLoading(work: StreamWork): StreamWork {
  return work.kind !== 'run' || work.message.type === 'hand-out' ? work : { kind: 'run', message: { type: 'wake' } };
}

function dispatchToAggregate(stream: AnyStream, work: StreamWork, context: DecideContext): Handled | undefined {
  if (stream.kind === 'run' && work.kind === 'run') {
    if (stream.aggregate.isAbsent) return absentRun(work.message.type);
    return stream.aggregate.handle(work.message, context);
  }
  if (stream.kind === 'workflow' && work.kind === 'workflow') return stream.aggregate.handle(work.message);
  if (stream.kind === 'action' && work.kind === 'action') return stream.aggregate.handle(work.message);
  throw new Error(`Expected work for a ${stream.kind} stream, found ${work.kind} ${work.message.type}`);
}

/** A report of a run that the log does not know changes nothing; a command for it is refused. */
function absentRun(message: string): Handled | undefined {
  if (message !== 'cancel') return undefined;
  return { type: 'rejected', rejection: { code: 'not-found', message: 'Expected a run of this id, found none' } };
}

function record(decision: StreamDecision, events: readonly DomainEvent[], now: number, cause: WorkItem['cause']): void {
  if (events.length === 0) return;
  const metadata = JSON.stringify({ cause });
  for (const event of events) {
    const stored = {
      type: event.type,
      schema: EVENT_SCHEMA,
      data: JSON.stringify(event.data),
      metadata,
      recordedAt: now,
    };
    decision.events.push({ event, stored });
  }
  decision.stream.lastEventAt = now;
}

function replyOf(handled: Handled): CommandReplyBody | undefined {
  switch (handled.type) {
    case 'rejected':
      return { status: 'rejected', rejection: handled.rejection };
    case 'decided':
      return handled.reply === null ? undefined : { status: 'accepted', result: handled.reply };
    default:
      return handled satisfies never;
  }
}

export function replyAt(body: CommandReplyBody, version: number, position: number | null): CommandReply {
  return body.status === 'rejected' ? body : { ...body, version, position };
}
