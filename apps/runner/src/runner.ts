import type { Broker } from '@ryax/broker';
import {
  ensurePartitions,
  type DatabaseClock,
  type EventLog,
  type Locks,
  type Members,
  type OpenEventLog,
} from '@ryax/event-log';
import type { FileStore } from '@ryax/filestore';
import { Owner, wait, type Clock, type Health, type IdSource, type Log, type Metrics } from '@ryax/platform';
import { Answers } from './answers';
import { Audit } from './audit';
import { Cycle } from './cycle';
import { Decider } from './decider';
import { DecisionLoop } from './decision-loop';
import { Dispatch } from './dispatch';
import { Durations } from './durations';
import { Effects } from './effects';
import { ExecutorBeats } from './executor-beats';
import { ExecutorRegistry } from './executors';
import { Inbox } from './inbox';
import { Membership } from './membership';
import { Outbox } from './outbox';
import { Plans } from './plans';
import { Reconciliation } from './reconciliation';
import type { RunnerOptions } from './runner.config';
import { RunnerMetrics } from './runner-metrics';
import { StreamStore } from './stream-store';
import { Takeover } from './takeover';
import { Timers } from './timers';
import { Values } from './values';
import { WakeSignal } from './wake-signal';
import { WorkIndex, type TrackedAttempt } from './work-index';
import { internalItem, type WorkItem } from './work-item';

const beatMs = 1_000;
const reconcileMs = 500;
const auditMs = 5_000;
const roomForEventsMs = 60_000;
const forgetSilentMs = 3_600_000;
/** With the log out of reach nothing that waits for a decision would end by itself. */
const stopWithinMs = 3_000;

export interface RunnerParts {
  readonly broker: Broker;
  readonly eventLog: Pick<OpenEventLog, 'settings' | 'identity' | 'database'> & {
    readonly log: EventLog;
    readonly members: Members;
    readonly locks: Locks;
    readonly clock: Pick<DatabaseClock, 'now'>;
  };
  readonly files: FileStore;
  readonly options: RunnerOptions;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly random: () => number;
}

/**
 * The runner: decides, and is the only writer of the event log. Replicas share the partitions of the inbox; each has one
 * decision loop, and beside it the loops that feed it: beats, timers, reconciliation, takeover.
 */
export class Runner {
  readonly incarnation: string;
  private readonly owner: Owner;
  private readonly decisions: Owner;
  private readonly unregister: (() => void)[] = [];
  private stopBeats: () => Promise<void> = () => Promise.resolve();
  private assembled: Assembled | undefined;

  constructor(private readonly parts: RunnerParts) {
    this.incarnation = parts.ids.newId();
    this.owner = new Owner(parts.log, parts.health);
    this.decisions = new Owner(parts.log, parts.health);
  }

  async start(): Promise<void> {
    const { eventLog, options, log, health, broker } = this.parts;
    const partitions = await eventLog.settings.partitionCount(options.partitions);
    const runner = (this.assembled = assemble(this.parts, this.incarnation, partitions, this.owner));
    await runner.inbox.declare();
    this.stopBeats = await runner.beats.start();
    this.decisions.run('decisions', (signal) => runner.loop.run(signal), { vital: true });
    this.every('beat', beatMs, (signal) => this.beat(runner, signal));
    this.every('reconciliation', reconcileMs, () => this.reconcile(runner));
    this.every('audit', auditMs, (signal) => runner.audit.sweep(signal));
    this.every('silent members', forgetSilentMs, () => runner.membership.forgetSilent());
    this.every('room for events', roomForEventsMs, () => ensurePartitions(eventLog.database));
    this.owner.run('timers', (signal) => this.runTimers(runner, signal), { vital: true });
    broker.onConnected(() => runner.reconciliation.suspectAll());
    this.unregister.push(
      eventLog.identity.onChange(() => this.giveUpEverything(runner)),
      health.register('runner beats', () => {
        const late = runner.membership.msSinceBeat;
        if (late > options.runnerPatienceMs) throw new Error(`the last beat was written ${Math.round(late)} ms ago`);
      }),
    );
    log.info('Runner started', { incarnation: this.incarnation, partitions });
  }

  /** Takes nothing more from the inbox; what was taken is still decided. */
  async stopTaking(): Promise<void> {
    const stopped = new AbortController();
    const stopping = this.owner.stop().finally(() => stopped.abort());
    await Promise.race([stopping, wait(stopWithinMs, stopped.signal).catch(() => undefined)]);
    await this.assembled?.takeover.releaseAll();
    await this.stopBeats();
  }

  /** Leaves the members, so that others take over at once, and ends the loop. */
  async close(): Promise<void> {
    for (const unregister of this.unregister.splice(0)) unregister();
    await this.decisions.stop();
    await this.owner.stop();
    await this.assembled?.outbox.flushSettled();
    await this.assembled?.membership.leave();
  }

  /** Events that we have seen may be gone: nothing that was made of them is kept. */
  private giveUpEverything({ takeover, store, values }: Assembled): void {
    store.forgetAll();
    values.forgetAll();
    this.owner.run('give up everything', () => takeover.releaseAll());
  }

  private async beat(runner: Assembled, signal: AbortSignal): Promise<void> {
    const { index, membership, executors } = runner;
    let owned: ReadonlySet<number>;
    try {
      this.expectConsumers(runner);
      owned = await membership.beat(index.wanted);
    } catch (error) {
      // Whoever cannot say that it lives is taken over by others; it must not go on as if it were not.
      if (membership.msSinceBeat > this.parts.options.runnerPatienceMs) this.follow(runner, new Set());
      throw error;
    }
    if (signal.aborted) return;
    this.observe(runner);
    if (executors.alive().length > 0) runner.loop.lookForRoom();
    this.follow(runner, owned);
  }

  /** Whoever cannot consume must not claim partitions by a beat: they would stand still until it can. */
  private expectConsumers({ takeover }: Assembled): void {
    const { msUnserved } = takeover;
    if (msUnserved <= this.parts.options.runnerPatienceMs) return;
    this.owner.run('consume again', () => takeover.tryConsuming());
    throw new Error(`Expected a consumer of each partition, found none of one for ${Math.round(msUnserved)} ms`);
  }

  /** Not awaited by the beat, which must not miss its time. Partitions come and go while a takeover goes on, too. */
  private follow({ takeover }: Assembled, owned: ReadonlySet<number>): void {
    if ([...takeover.partitions].some((partition) => !owned.has(partition))) {
      this.owner.run('give up partitions', () => takeover.keepOnly(owned));
    }
    if ([...owned].some((partition) => !takeover.partitions.has(partition))) {
      this.owner.run('take over partitions', (signal) => takeover.take(owned, signal));
    }
  }

  private async reconcile({ reconciliation, outbox, loop, effects, index, store }: Assembled): Promise<void> {
    const { ids } = this.parts;
    const items: WorkItem[] = [];
    const silent: TrackedAttempt[] = [];
    await reconciliation.tick(outbox, {
      vanished: ({ streamId, execution, attempt }, reason) => {
        items.push(internalItem(streamId, { type: 'vanished', execution, attempt, reason }, ids.newId()));
      },
      emitAgain: (attempt) => silent.push(attempt),
    });
    effects.flush();
    // A start is emitted again only at the head: our state may be behind that of a runner who knows how it has ended.
    for (const streamId of new Set(silent.map((attempt) => attempt.streamId))) {
      items.push(internalItem(streamId, { type: 'wake' }, ids.newId()));
    }
    await loop.submit(items);
    for (const { streamId, execution, attempt } of silent) {
      const tracked = index.attempt(streamId, execution, attempt);
      const stream = store.peek(streamId);
      if (tracked === undefined || tracked.holder !== undefined || tracked.cancelling !== null) continue;
      if (stream?.kind === 'run') effects.emitAgain(stream, tracked);
    }
    effects.flush();
  }

  private async runTimers({ timers }: Assembled, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await timers.run(signal);
      } catch (error) {
        this.parts.log.warn('Due timers could not be read; looking again', { error });
        await wait(beatMs, signal).catch(() => undefined);
      }
    }
  }

  private every(name: string, ms: number, task: (signal: AbortSignal) => Promise<void>): void {
    this.owner.run(
      name,
      async (signal) => {
        while (!signal.aborted) {
          try {
            await task(signal);
          } catch (error) {
            if (!signal.aborted) this.parts.log.warn('A periodic task failed; it is repeated', { task: name, error });
          }
          await wait(ms, signal).catch(() => undefined);
        }
      },
      { vital: true },
    );
  }

  private observe({ metrics, index, takeover, store }: Assembled): void {
    metrics.partitions.set(takeover.partitions.size);
    metrics.cacheBytes.set(store.bytes);
    metrics.ready.reset();
    for (const lane of index.readyLanes) metrics.ready.inc({ pool: lane.pool }, index.readyCount(lane));
  }
}

type Assembled = ReturnType<typeof assemble>;

/** Who knows whom, in one place. */
function assemble(parts: RunnerParts, incarnation: string, partitions: number, owner: Owner) {
  const { broker, eventLog, files, options, clock, ids, log } = parts;
  const { startValidityMs, batchMessages, cacheBytes, runnerPatienceMs, executorPatienceMs, inlineValueBytes } =
    options;
  const metrics = new RunnerMetrics(parts.metrics);
  const index = new WorkIndex();
  const executors = new ExecutorRegistry({ patienceMs: executorPatienceMs, maxGapMs: 2 * beatMs });
  const membership = new Membership(eventLog.members, eventLog.locks, broker, clock, ids, log, {
    incarnation,
    partitions,
    patienceMs: runnerPatienceMs,
  });
  const values = new Values(eventLog.log, files);
  const durations = new Durations();
  const store: StreamStore = new StreamStore(
    eventLog.log,
    new Plans(files),
    durations,
    { partitions, cacheBytes },
    (run) => effects.folded(run),
  );
  const decider = new Decider(values, eventLog.clock, parts.random);
  const outbox = new Outbox(broker, ids, log, `runner/${incarnation}`);
  const dispatch: Dispatch = new Dispatch(
    { decider, store, index, executors, membership, clock, ids, metrics },
    { isOurs: (streamId) => takeover.isOurs(streamId), isTakingOver: () => takeover.isRunning },
  );
  const wakes = new WakeSignal(broker, ids, log);
  const effects: Effects = new Effects(
    {
      ...{ outbox, index, executors, values, files, wakes, clock, ids, metrics, log },
      recentEnds: dispatch.recentEnds,
      durations,
      submit: (item) => owner.run(item.cause.type, () => loop.submit([item])),
    },
    { startValidityMs, inlineValueBytes },
    (streamId) => takeover.isOurs(streamId),
  );
  const timers: Timers = new Timers(eventLog.log, eventLog.clock, store, {
    submit: (items) => loop.submit(items),
    newId: () => ids.newId(),
    partitions: () => takeover.partitions,
  });
  const cycle = new Cycle({
    log: eventLog.log,
    store,
    decider,
    dispatch,
    effects,
    metrics,
    ids,
    logger: log,
    onWakeup: (at) => timers.note(at),
    onDoubled: (stream) => owner.run('snapshot', () => store.snapshot(stream)),
  });
  const inbox = new Inbox(broker, { partitions, batchMessages });
  const reconciliation = new Reconciliation(index, executors, membership, clock, eventLog.clock, { startValidityMs });
  const loop: DecisionLoop = new DecisionLoop({
    inbox,
    cycle,
    dispatch,
    metrics,
    log,
    heard: (streamId, said) => answers.heard(streamId, said),
  });
  const takeover: Takeover = new Takeover({ inbox, log: eventLog.log, store, index, loop, clock, ids, logger: log });
  const beats = new ExecutorBeats(broker, eventLog.members, executors, clock, ids, log, { incarnation }, () =>
    loop.lookForRoom(),
  );
  const audit = new Audit({ log: eventLog.log, index, takeover, loop, ids });
  const answers = new Answers({ index, reconciliation, takeover, executors, outbox, store, loop, owner, ids });
  return {
    metrics,
    index,
    executors,
    membership,
    store,
    outbox,
    effects,
    timers,
    inbox,
    reconciliation,
    loop,
    takeover,
    beats,
    audit,
    values,
  };
}
