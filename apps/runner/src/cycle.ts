import { InvalidAppendError, type AppendOutcome, type EventLog } from '@ryax/event-log';
import type { IdSource, Log } from '@ryax/platform';
import type { Decider, StreamDecision } from './decider';
import { HandOutError, type Dispatch } from './dispatch';
import type { Effects } from './effects';
import { isLogUnreachable } from './log-unreachable';
import { DefinitionNotFoundError } from './plans';
import type { RunnerMetrics } from './runner-metrics';
import { PoisonedItemError } from './poisoned-item';
import { staleStarts } from './stale-starts';
import { appendOf, boundedBatches, storable, wakeupOf } from './stream-append';
import { UnknownStreamError, type AnyStream, type RunStream, type StreamStore } from './stream-store';
import { internalItem, type WorkItem } from './work-item';
import { Yielding } from './yielding';

/** Streams folded at the same time of those that are not read together with others: long ones, mostly. */
const concurrentLoads = 16;

export interface CycleParts {
  readonly log: EventLog;
  readonly store: StreamStore;
  readonly decider: Decider;
  readonly dispatch: Dispatch;
  readonly effects: Effects;
  readonly metrics: RunnerMetrics;
  readonly ids: IdSource;
  readonly logger: Log;
  /** A run of ours wants to be woken then. */
  readonly onWakeup: (wakeupAt: number | null) => void;
  /** The stream is as it is in the log, and has doubled: the moment to write it down. */
  readonly onDoubled: (stream: RunStream) => void;
}

/**
 * One turn of the runner: decides a batch of items for their streams, hands out what there is room for, appends all of it
 * in one transaction (in several where it is large), and only then lets the effects out. A stream that another runner has moved
 * meanwhile is forgotten, folded and decided again; the others are not affected.
 */
export class Cycle {
  /**
   * Runs of which it is not known what became of a decision. What we watch of them has run ahead of the log, and no
   * message need ever come for them again: they are folded with the next round, whatever that is about.
   */
  private readonly unsure = new Set<string>();

  constructor(private readonly parts: CycleParts) {}

  /**
   * Decides items until each is settled or failed by itself. Throws when the log cannot be written or read; then nothing
   * is settled, and the caller decides the same items again.
   * @returns whether anything was appended
   */
  async run(items: readonly WorkItem[]): Promise<boolean> {
    let progressed = false;
    for (let pending: readonly WorkItem[] | undefined = items; pending !== undefined;) {
      const looks = this.looksAtUnsure(pending);
      try {
        const round: Round = await this.round([...pending, ...looks]);
        progressed ||= round.appended;
        pending = round.again.length > 0 || this.unsure.size > 0 ? round.again : undefined;
      } catch (error) {
        for (const { streamId } of looks) this.unsure.add(streamId);
        throw error;
      }
    }
    return progressed;
  }

  private looksAtUnsure(items: readonly WorkItem[]): WorkItem[] {
    const decided = new Set(items.map(({ streamId }) => streamId));
    const looks = [...this.unsure].filter((streamId) => !decided.has(streamId));
    this.unsure.clear();
    return looks.map((streamId) => internalItem(streamId, { type: 'wake' }, this.parts.ids.newId()));
  }

  private async round(items: readonly WorkItem[]): Promise<Round> {
    const decisions = new Map<string, StreamDecision>();
    try {
      await this.decideAll(items, decisions);
      await this.parts.dispatch.handOut(decisions);
      return await this.commit([...decisions.values()]);
    } catch (error) {
      const decided = new Set(items.map(({ streamId }) => streamId));
      // What decided nothing has not run ahead: a page of open runs is not read again for the one that cannot be decided.
      // That one may have, by half a decision.
      const culprit = culpritOf(error);
      for (const { stream, events } of decisions.values()) {
        if (events.length > 0 || stream.streamId === culprit) this.drop(stream, decided);
      }
      return { appended: false, again: await this.withoutCulprit(items, error) };
    }
  }

  /** Its state has run ahead of the log, and so has what we watch of it: it is folded again. */
  private drop(stream: AnyStream, decidedAgain: ReadonlySet<string>): void {
    this.parts.store.forget(stream.streamId);
    if (stream.kind === 'run' && !decidedAgain.has(stream.streamId)) this.unsure.add(stream.streamId);
  }

  /** What is to be decided again when one item, or one run, kept all of the round from being decided or appended. */
  private async withoutCulprit(items: readonly WorkItem[], error: unknown): Promise<readonly WorkItem[]> {
    if (error instanceof PoisonedItemError) return items.filter((item) => item !== error.item);
    if (error instanceof HandOutError) {
      const { streamId: stream, cause } = error;
      this.parts.logger.error('Ready work of a run could not be handed out', { stream, error: cause });
      return items;
    }
    if (error instanceof InvalidAppendError && error.streamId !== '') return this.withoutInvalid(items, error);
    throw error;
  }

  /** First without what was handed out beside the messages, then message by message. */
  private async withoutInvalid(items: readonly WorkItem[], error: InvalidAppendError): Promise<readonly WorkItem[]> {
    const { streamId } = error;
    const own = items.filter((item) => item.streamId === streamId);
    const others = items.filter((item) => item.streamId !== streamId);
    this.parts.logger.error('A decision could not be stored', { stream: streamId, messages: own.length, error });
    if (!this.parts.dispatch.isResting(streamId)) {
      this.parts.dispatch.rest(streamId);
      return items;
    }
    const [only, ...more] = own;
    if (only === undefined || more.length > 0) {
      for (const item of own) await this.run([item]);
      return others;
    }
    const shortened = storable(only, error);
    if (shortened !== undefined) return [...others, shortened];
    this.parts.effects.refuse(only, { code: 'too-large', message: error.message });
    return others;
  }

  private async decideAll(items: readonly WorkItem[], decisions: Map<string, StreamDecision>): Promise<void> {
    const byStream = new Map<string, WorkItem[]>();
    for (const item of items) {
      const list = byStream.get(item.streamId);
      if (list === undefined) byStream.set(item.streamId, [item]);
      else list.push(item);
    }
    const loaded = await this.loadAll(byStream);
    const yielding = new Yielding();
    for (const [streamId, streamItems] of byStream) {
      const stream = loaded.get(streamId);
      if (stream === undefined) continue;
      const decision = this.parts.decider.begin(stream);
      decisions.set(streamId, decision);
      await this.decideStream(decision, streamItems);
      const pause = yielding.pause();
      if (pause !== undefined) await pause;
    }
  }

  /** An item that cannot be decided at all must not hold up the others: it is tried again alone, then parked. */
  private async decideStream(decision: StreamDecision, items: readonly WorkItem[]): Promise<void> {
    for (const item of items) {
      try {
        const deciding = this.parts.decider.decide(decision, item);
        if (deciding !== undefined) await deciding;
      } catch (error) {
        if (isLogUnreachable(error)) throw error;
        this.tryAgain(item, error);
        throw new PoisonedItemError(item, { cause: error });
      }
    }
  }

  private tryAgain(item: WorkItem, error: unknown): void {
    const { streamId: stream, cause } = item;
    this.parts.logger.error('A message could not be decided', { stream, message_type: cause.type, error });
    item.delivery?.retry(error instanceof Error ? error.message : String(error));
  }

  private async loadAll(byStream: ReadonlyMap<string, readonly WorkItem[]>): Promise<Map<string, AnyStream>> {
    const asked = new Map([...byStream].map(([streamId, items]) => [streamId, startedDefinition(items)] as const));
    const loaded = await this.parts.store.loadMany(asked);
    const waiting = [...byStream].filter(([streamId]) => !loaded.has(streamId));
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
      if (isLogUnreachable(error)) throw error;
      if (error instanceof DefinitionNotFoundError || error instanceof UnknownStreamError) {
        for (const item of items) this.parts.effects.refuse(item, { code: 'not-found', message: error.message });
      } else {
        for (const item of items) this.tryAgain(item, error);
      }
      return undefined;
    }
  }

  private async commit(decisions: readonly StreamDecision[]): Promise<Round> {
    const writing = decisions.filter((decision) => decision.events.length > 0);
    const [outcomes, moved] = await bothEnded(
      this.append(writing),
      this.movedHeads(decisions.filter((decision) => decision.events.length === 0)),
    );
    const lost = new Set(decisions.filter((each) => outcomes.get(each)?.status === 'conflict' || moved.has(each)));
    // Before anything is settled: if the log cannot tell, all of it is decided again.
    const stale = await staleStarts(this.parts.log, [...lost]);
    const again: WorkItem[] = [];
    for (const decision of decisions) {
      if (lost.has(decision)) again.push(...this.lose(decision, stale));
      else this.settle(decision, outcomes.get(decision));
    }
    this.parts.effects.flush();
    return { appended: writing.length > 0, again };
  }

  /** Forgets what was decided; answers what has to be decided again. */
  private lose(decision: StreamDecision, stale: ReadonlySet<WorkItem>): readonly WorkItem[] {
    this.parts.metrics.conflicts.inc();
    const items = decision.items.map(({ item }) => item);
    this.drop(decision.stream, new Set(items.map(({ streamId }) => streamId)));
    this.parts.store.forgetExisting(decision.stream.streamId);
    const message = 'Expected the workflow to stand where it was looked at, found it changed since';
    for (const item of items) if (stale.has(item)) this.parts.effects.refuse(item, { code: 'conflict', message });
    return items.filter((item) => !stale.has(item));
  }

  /** Where a later batch fails, what became of the earlier ones is found out as after a commit whose answer was lost. */
  private async append(writing: readonly StreamDecision[]): Promise<Map<StreamDecision, AppendOutcome>> {
    const { log, metrics } = this.parts;
    const appended = new Map<StreamDecision, AppendOutcome>();
    for (const batch of boundedBatches(writing)) {
      const stop = metrics.appendSeconds.startTimer();
      const outcomes = await log.append(batch.map((decision) => ({ streams: [appendOf(decision)] })));
      stop();
      metrics.appendedEvents.observe(batch.reduce((sum, decision) => sum + decision.events.length, 0));
      for (const [index, outcome] of outcomes.entries()) {
        const decision = batch[index];
        if (decision !== undefined) appended.set(decision, outcome);
      }
    }
    return appended;
  }

  /** A decision that appends nothing holds only at the head: a stale state would swallow what it has never heard of. */
  private async movedHeads(silent: readonly StreamDecision[]): Promise<ReadonlySet<StreamDecision>> {
    if (silent.length === 0) return new Set();
    const hashes = await this.parts.log.headHashes(silent.map((decision) => decision.stream.streamId));
    return new Set(silent.filter((decision) => (hashes.get(decision.stream.streamId) ?? null) !== decision.baseHash));
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
      this.parts.onWakeup(wakeupOf(stream));
      this.parts.effects.committed(decision, outcome.lastPosition);
      if (stream.kind !== 'run') return;
      // Whatever still comes for it changes nothing: kept, thousands of them would only cost memory and its collection.
      if (!stream.aggregate.isOpen) this.parts.store.forget(stream.streamId);
      else if (this.parts.store.isSnapshotDue(stream)) this.parts.onDoubled(stream);
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

/** The stream whose decision threw. */
function culpritOf(error: unknown): string | undefined {
  if (error instanceof PoisonedItemError) return error.item.streamId;
  return error instanceof HandOutError ? error.streamId : undefined;
}

/** Neither is left under way when the other fails: it would run into the next round. */
async function bothEnded<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

function startedDefinition(items: readonly WorkItem[]): string | undefined {
  for (const { work } of items) {
    if (work.kind === 'run' && work.message.type === 'start') return work.message.command.definition_hash;
  }
  return undefined;
}
