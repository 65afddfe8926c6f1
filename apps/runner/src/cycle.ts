import type { AppendOutcome, EventLog, StreamAppend } from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import type { Decider, StreamDecision } from './decider';
import { HandOutError, type Dispatch } from './dispatch';
import type { Effects } from './effects';
import { DefinitionNotFoundError } from './plans';
import type { RunnerMetrics } from './runner-metrics';
import { UnknownStreamError, type AnyStream, type StreamStore } from './stream-store';
import type { WorkItem } from './work-item';

/** Streams folded at the same time when a cycle needs many that are not cached. */
const concurrentLoads = 16;

export interface CycleParts {
  readonly log: EventLog;
  readonly store: StreamStore;
  readonly decider: Decider;
  readonly dispatch: Dispatch;
  readonly effects: Effects;
  readonly metrics: RunnerMetrics;
  readonly logger: Log;
}

/**
 * One turn of the runner: decides a batch of items for their streams, hands out what there is room for, appends all of it
 * in one transaction, and only then lets the effects out. A stream that another runner has moved meanwhile is forgotten,
 * folded and decided again; the others are not affected.
 */
export class Cycle {
  constructor(
    private readonly parts: CycleParts,
    private readonly onWakeup: (wakeupAt: number | null) => void,
  ) {}

  /**
   * Decides items until each is settled or failed by itself. Throws when the log cannot be written or read; then nothing
   * is settled, and the caller decides the same items again.
   * @returns whether anything was appended
   */
  async run(items: readonly WorkItem[]): Promise<boolean> {
    let progressed = false;
    for (let pending: readonly WorkItem[] | undefined = items; pending !== undefined;) {
      const round: Round = await this.round(pending);
      progressed ||= round.appended;
      pending = round.again.length > 0 ? round.again : undefined;
    }
    return progressed;
  }

  private async round(items: readonly WorkItem[]): Promise<Round> {
    const decisions = new Map<string, StreamDecision>();
    try {
      await this.decideAll(items, decisions);
      await this.parts.dispatch.handOut(decisions);
      return await this.commit([...decisions.values()]);
    } catch (error) {
      for (const { stream } of decisions.values()) this.parts.store.forget(stream.streamId);
      if (error instanceof PoisonedItemError)
        return { appended: false, again: items.filter((item) => item !== error.item) };
      if (error instanceof HandOutError) {
        this.parts.logger.error('Ready work of a run could not be handed out', {
          stream: error.streamId,
          error: error.cause,
        });
        return { appended: false, again: items };
      }
      throw error;
    }
  }

  private async decideAll(items: readonly WorkItem[], decisions: Map<string, StreamDecision>): Promise<void> {
    const byStream = new Map<string, WorkItem[]>();
    for (const item of items) {
      const list = byStream.get(item.streamId);
      if (list === undefined) byStream.set(item.streamId, [item]);
      else list.push(item);
    }
    const loaded = await this.loadAll(byStream);
    for (const [streamId, streamItems] of byStream) {
      const stream = loaded.get(streamId);
      if (stream === undefined) continue;
      const decision = this.parts.decider.begin(stream);
      decisions.set(streamId, decision);
      await this.decideStream(decision, streamItems);
    }
  }

  /** An item that cannot be decided at all must not hold up the others: it is tried again alone, then parked. */
  private async decideStream(decision: StreamDecision, items: readonly WorkItem[]): Promise<void> {
    for (const item of items) {
      try {
        await this.parts.decider.decide(decision, item);
      } catch (error) {
        this.parts.logger.error('A message could not be decided', {
          stream: item.streamId,
          message_type: item.cause.type,
          error,
        });
        item.delivery?.retry(error instanceof Error ? error.message : String(error));
        throw new PoisonedItemError(item, { cause: error });
      }
    }
  }

  private async loadAll(byStream: ReadonlyMap<string, readonly WorkItem[]>): Promise<Map<string, AnyStream>> {
    const loaded = new Map<string, AnyStream>();
    const waiting = [...byStream];
    const worker = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const [streamId, items] = next;
        const stream = await this.load(streamId, items);
        if (stream !== undefined) loaded.set(streamId, stream);
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrentLoads, waiting.length) }, worker));
    return loaded;
  }

  private async load(streamId: string, items: readonly WorkItem[]): Promise<AnyStream | undefined> {
    try {
      return await this.parts.store.load(streamId, startedDefinition(items));
    } catch (error) {
      if (!(error instanceof DefinitionNotFoundError || error instanceof UnknownStreamError)) throw error;
      for (const item of items) this.parts.effects.refuse(item, { code: 'not-found', message: error.message });
      return undefined;
    }
  }

  private async commit(decisions: readonly StreamDecision[]): Promise<Round> {
    const writing = decisions.filter((decision) => decision.events.length > 0);
    const [outcomes, moved] = await Promise.all([
      this.append(writing),
      this.movedHeads(decisions.filter((decision) => decision.events.length === 0)),
    ]);
    const again: WorkItem[] = [];
    for (const decision of decisions) {
      const outcome = outcomes.get(decision);
      if (outcome?.status === 'conflict' || moved.has(decision)) {
        this.parts.metrics.conflicts.inc();
        this.parts.store.forget(decision.stream.streamId);
        again.push(...decision.items.map(({ item }) => item));
      } else {
        this.settle(decision, outcome);
      }
    }
    this.parts.effects.flush();
    return { appended: writing.length > 0, again };
  }

  private async append(writing: readonly StreamDecision[]): Promise<Map<StreamDecision, AppendOutcome>> {
    if (writing.length === 0) return new Map();
    const stop = this.parts.metrics.appendSeconds.startTimer();
    const outcomes = await this.parts.log.append(writing.map((decision) => ({ streams: [appendOf(decision)] })));
    stop();
    this.parts.metrics.appendedEvents.observe(writing.reduce((sum, decision) => sum + decision.events.length, 0));
    return new Map(
      writing.flatMap((decision, index) => {
        const outcome = outcomes[index];
        return outcome === undefined ? [] : [[decision, outcome] as const];
      }),
    );
  }

  /** A decision that appends nothing holds only at the head: a stale state would swallow what it has never heard of. */
  private async movedHeads(silent: readonly StreamDecision[]): Promise<ReadonlySet<StreamDecision>> {
    if (silent.length === 0) return new Set();
    const heads = await this.parts.log.headVersions(silent.map((decision) => decision.stream.streamId));
    return new Set(silent.filter((decision) => (heads.get(decision.stream.streamId) ?? 0) !== decision.baseVersion));
  }

  private settle(decision: StreamDecision, outcome: AppendOutcome | undefined): void {
    const { stream } = decision;
    if (outcome?.status === 'appended') {
      const head = outcome.heads.find((each) => each.streamId === stream.streamId);
      if (head !== undefined) {
        stream.version = head.version;
        stream.hash = head.hash;
      }
      this.parts.store.keep(stream);
      this.onWakeup(wakeupOf(stream));
      this.parts.effects.committed(decision, outcome.lastPosition);
    } else {
      this.parts.effects.unchanged(decision);
    }
  }
}

interface Round {
  readonly appended: boolean;
  /** What has to be decided again. */
  readonly again: readonly WorkItem[];
}

/** Deciding this item throws, whatever else is in the batch. It has been given back; the rest is to be decided again. */
export class PoisonedItemError extends Error {
  readonly code = 'poisoned';

  constructor(
    readonly item: WorkItem,
    options: ErrorOptions,
  ) {
    super(`Expected to decide ${item.cause.type} for ${item.streamId}, failed`, options);
    this.name = 'PoisonedItemError';
  }
}

function startedDefinition(items: readonly WorkItem[]): string | undefined {
  for (const { work } of items) {
    if (work.kind === 'run' && work.message.type === 'start') return work.message.command.definition_hash;
  }
  return undefined;
}

function appendOf(decision: StreamDecision): StreamAppend {
  const { stream } = decision;
  return {
    streamId: stream.streamId,
    project: stream.name.project,
    kind: stream.kind,
    partition: stream.partition,
    expectedVersion: decision.baseVersion,
    expectedHash: decision.baseHash,
    events: decision.events.map(({ stored }) => stored),
    open: stream.aggregate.isOpen,
    wakeupAt: wakeupOf(stream),
  };
}

/** Timers are whole milliseconds in the log, and never later than wanted. */
export function wakeupOf({ aggregate }: AnyStream): number | null {
  return aggregate.nextWakeup === null ? null : Math.floor(aggregate.nextWakeup);
}
