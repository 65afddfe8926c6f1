import type { Broker } from '@ryax/broker';
import type { DatabaseClock, EventLog, Locks, Members, OpenEventLog } from '@ryax/event-log';
import type { FileStore } from '@ryax/filestore';
import type { Clock, Health, IdSource, Log, Metrics, Owner } from '@ryax/platform';
import { Answers } from './answers';
import { Audit } from './audit';
import { Cycle } from './cycle';
import { Decider } from './decider';
import { DecisionLoop } from './decision-loop';
import { Dispatch } from './dispatch';
import { Durations } from './durations';
import { SufficientMemory } from './sufficient-memory';
import { Effects } from './effects';
import { ExecutorBeats } from './executor-beats';
import { ExecutorRegistry } from './executors';
import { Inbox } from './inbox';
import { Membership } from './membership';
import { Outbox } from './outbox';
import { Placement } from './placement';
import { Plans } from './plans';
import { Prewarming } from './prewarming';
import { Reconciliation } from './reconciliation';
import { maxGapMs, type RunnerOptions } from './runner.config';
import { RunnerMetrics } from './runner-metrics';
import { Starts } from './starts';
import { StreamStore } from './stream-store';
import { Takeover } from './takeover';
import { Timers } from './timers';
import { Values } from './values';
import { WakeSignal } from './wake-signal';
import { WorkIndex } from './work-index';
import type { WorkItem } from './work-item';

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

export type Assembled = ReturnType<typeof assemble>;

/** Who knows whom, in one place. */
export function assemble(parts: RunnerParts, incarnation: string, partitions: number, owner: Owner) {
  const { broker, eventLog, files, options, clock, ids, log } = parts;
  const { startValidityMs, batchMessages, cacheBytes, inlineValueBytes } = options;
  const { runnerPatienceMs, executorPatienceMs, placementPatienceMs } = options;
  const metrics = new RunnerMetrics(parts.metrics);
  const index = new WorkIndex();
  const membership = new Membership(eventLog.members, eventLog.locks, broker, clock, ids, log, {
    incarnation,
    partitions,
    patienceMs: runnerPatienceMs,
  });
  const executors = new ExecutorRegistry(
    { patienceMs: executorPatienceMs, maxGapMs },
    {
      outstandingAt: (incarnation) => index.outstandingAt(incarnation),
      get rank() {
        return membership.rank;
      },
    },
  );
  const values = new Values(eventLog.log, files);
  const durations = new Durations();
  const memory = new SufficientMemory();
  const plans = new Plans(files);
  const store: StreamStore = new StreamStore(eventLog.log, plans, durations, { partitions, cacheBytes }, (run) =>
    effects.folded(run),
  );
  const decider = new Decider(values, eventLog.clock, parts.random);
  const source = `runner/${incarnation}`;
  const outbox = new Outbox(broker, ids, log, source);
  const placement: Placement = new Placement(
    { executors, index, membership, clock },
    { patienceMs: placementPatienceMs },
    () => takeover.isRunning,
  );
  const dispatch: Dispatch = new Dispatch(
    { decider, store, index, placement, ids, metrics },
    { isOurs: (streamId) => takeover.isOurs(streamId) },
  );
  const wakes = new WakeSignal(broker, ids, log);
  const submit = (item: WorkItem) => owner.run(item.cause.type, () => loop.submit([item]));
  const starts = new Starts(
    { outbox, index, executors, values, files, clock, ids, memory, metrics, log, submit },
    { startValidityMs, inlineValueBytes },
  );
  const prewarming = new Prewarming({ plans, executors, memory, broker, ids, log, owner }, source);
  const { recentEnds } = placement;
  const effects: Effects = new Effects(
    { outbox, index, starts, values, wakes, clock, ids, metrics, recentEnds, durations, memory, prewarming },
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
    placement,
    store,
    outbox,
    starts,
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
