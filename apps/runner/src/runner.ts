import { ensurePartitions } from '@ryax/event-log';
import { Owner, wait } from '@ryax/platform';
import { poolNameOf } from '@ryax/workflow';
import { assemble, type Assembled, type RunnerParts } from './assembly';
import { beatMs } from './runner.config';
import type { TrackedAttempt } from './work-index';
import { internalItem, type WorkItem } from './work-item';

const reconcileMs = 500;
const auditMs = 5_000;
const roomForEventsMs = 60_000;
const forgetSilentMs = 3_600_000;
/** With the log out of reach nothing that waits for a decision would end by itself. */
const stopWithinMs = 3_000;

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
    const { membership, executors, placement } = runner;
    let owned: ReadonlySet<number>;
    try {
      this.expectConsumers(runner);
      owned = await membership.beat(placement.wanted);
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

  private async reconcile({ reconciliation, outbox, loop, starts, effects, index, store }: Assembled): Promise<void> {
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
      if (stream?.kind === 'run') starts.emitAgain(stream, tracked);
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
    for (const { demand, count } of index.ready.demands) metrics.ready.inc({ pool: poolNameOf(demand.lane) }, count);
  }
}
