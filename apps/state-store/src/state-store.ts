import type { Broker, DeadLetterQueue } from '@ryax/broker';
import type { OpenEventLog } from '@ryax/event-log';
import type { FileStore } from '@ryax/filestore';
import { Owner, type Health, type IdSource, type Log, type Metrics } from '@ryax/platform';
import { DeadLetterIntake } from './dead-letters/dead-letter-intake';
import { deadLetterQueries } from './dead-letters/dead-letter-queries';
import { estimateQuery } from './estimates/estimate-query';
import { logName, readLogEnds, type LogKey } from './logs/log-chunks';
import { LogIntake } from './logs/log-intake';
import { registerChecks } from './operations/checks';
import { readLags } from './operations/lags';
import { StateStoreMetrics } from './operations/state-store-metrics';
import { ProjectionProgress } from './projections/freshness';
import { projectionReader, Projections } from './projections/projections';
import { Rebuild } from './projections/rebuild';
import { liveSchema } from './projections/schema';
import { TalliesTable } from './projections/tallies/tallies-table';
import { actionQueries } from './queries/action-queries';
import { executionQueries } from './queries/execution-queries';
import { historyQuery } from './queries/history-query';
import { logQuery } from './queries/log-query';
import { QueryServer } from './queries/query-server';
import { rebuildQueries } from './queries/rebuild-queries';
import { runQueries } from './queries/run-queries';
import { settingsQuery } from './queries/settings-query';
import { workflowQueries } from './queries/workflow-queries';
import { Definitions } from './reading/definitions';
import { FoldedRuns } from './reading/folded-runs';
import { FoldedWorkflows } from './reading/folded-workflows';
import { HeadWatcher } from './reading/head-watcher';
import { LivePools } from './reading/live-pools';
import { Relay } from './relay/relay';
import type { StateStoreOptions } from './state-store.config';
import { Shard } from './tail/shard';
import { WakeListener } from './tail/wake-listener';
import { Wakes } from './tail/wakes';

export interface StateStoreParts {
  readonly broker: Broker & DeadLetterQueue;
  readonly eventLog: Pick<
    OpenEventLog,
    'log' | 'tail' | 'readers' | 'locks' | 'members' | 'settings' | 'clock' | 'identity' | 'database'
  >;
  readonly files: FileStore;
  readonly options: StateStoreOptions;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
}

/**
 * Remembers for readers. Every replica answers queries and stores output; one of them, which holds the shard's lock, also
 * folds the log into the read models and relays it outward.
 */
export class StateStore {
  private readonly following: Owner;
  private readonly answering: Owner;
  private readonly store: Assembled;
  private readonly unregister: (() => void)[] = [];

  constructor(private readonly parts: StateStoreParts) {
    this.following = new Owner(parts.log, parts.health);
    this.answering = new Owner(parts.log, parts.health);
    this.store = assemble(parts, this.answering);
  }

  /** Whether this replica is the one that projects and relays. */
  get isActive(): boolean {
    return this.store.shard.isActive;
  }

  async start(): Promise<void> {
    const { shard, wakeListener, logIntake, deadLetters, queries, runs, workflows, progress, projections } = this.store;
    const { eventLog, health, broker } = this.parts;
    this.unregister.push(
      eventLog.identity.onChange(() => {
        runs.clear();
        workflows.clear();
        progress.reset();
        projections.forget();
      }),
      registerChecks({ ...eventLog, health, broker }),
    );
    this.following.run('tail', (signal) => shard.run(signal), { vital: true });
    await wakeListener.start();
    await logIntake.start();
    await deadLetters.start();
    await queries.start();
  }

  /** No more queries and output; the waits of those in hand end, and each is answered. */
  async stopTaking(): Promise<void> {
    const { streams, logs, queries, logIntake, deadLetters } = this.store;
    streams.close();
    logs.close();
    await Promise.all([queries.stop(), logIntake.stop(), deadLetters.stop()]);
    await this.answering.stop();
  }

  /** The batches under way are finished, then the shard's lock is given to another replica. */
  async close(): Promise<void> {
    for (const unregister of this.unregister.splice(0)) unregister();
    await this.following.stop();
    await this.store.wakeListener.stop();
  }
}

type Assembled = ReturnType<typeof assemble>;

/** Who knows whom, in one place. */
function assemble(parts: StateStoreParts, owner: Owner) {
  const { broker, eventLog, files, options, ids, log } = parts;
  const { database, tail, readers, clock } = eventLog;
  const wakes = new Wakes();
  const progress = new ProjectionProgress(eventLog.log, readers, wakes);
  const definitions = new Definitions(files, options.cacheBytes / 4);
  const runs = new FoldedRuns(eventLog.log, definitions, options.cacheBytes);
  const workflows = new FoldedWorkflows(eventLog.log);
  const streams = new HeadWatcher<string>(
    { name: 'watch streams', nameOf: (key) => key, readHeads: (keys) => eventLog.log.headVersions(keys) },
    owner,
  );
  const logs = new HeadWatcher<LogKey>(
    { name: 'watch logs', nameOf: logName, readHeads: (keys) => readLogEnds(database, keys) },
    owner,
  );

  const projections = new Projections(tail, readers, database, (position, events) => {
    progress.reached(position);
    metrics.eventsHandled(projectionReader, events);
  });
  const relay = new Relay(tail, readers, broker, (events) => metrics.eventsHandled('relay', events));
  const rebuild = new Rebuild(tail, readers, database, log, () => projections.forget());
  const readersOfLog = options.isRelaying ? [projections, relay, rebuild] : [projections, rebuild];
  const shard = new Shard('state-store/0', eventLog.locks, readersOfLog, wakes, log);
  const metrics: StateStoreMetrics = new StateStoreMetrics(parts.metrics, {
    tallies: () => new TalliesTable(liveSchema).read(database),
    lags: () => readLags(database, options.isRelaying ? [projections.name, relay.name] : [projections.name]),
    waiting: () => ({ history: streams.waiting, log: logs.waiting }),
    cacheBytes: () => runs.cachedBytes,
    isActive: () => shard.isActive,
  });

  const wakeListener = new WakeListener(broker, `ryax.wakes.state-store.${ids.newId()}`, () => {
    wakes.wake();
    streams.hint();
  });
  const logIntake = new LogIntake(broker, database, (bytes) => {
    metrics.logStored(bytes);
    logs.hint();
  });
  const deadLetters = new DeadLetterIntake(broker, database, options.deadLetterBytes, log);
  const reading = {
    database,
    log: eventLog.log,
    pools: new LivePools(eventLog.members),
    clock,
    definitions,
    runs,
    workflows,
    progress,
    streams,
    logs,
    logger: log,
  };
  const handlers = {
    ...settingsQuery({ settings: eventLog.settings, log: eventLog.log, partitions: options.partitions }),
    ...runQueries(reading),
    ...historyQuery(reading),
    ...logQuery(reading),
    ...workflowQueries(reading),
    ...actionQueries(reading),
    ...executionQueries(reading),
    ...estimateQuery(reading),
    ...deadLetterQueries(database, broker),
    ...rebuildQueries({
      database,
      log: eventLog.log,
      lookSoon: () => {
        rebuild.lookSoon();
        wakes.wake();
      },
    }),
  };
  const onAnswered = (name: string, status: string, seconds: number) => metrics.queryAnswered(name, status, seconds);
  const queries = new QueryServer({ broker, handlers, owner, ids, log, onAnswered });
  return {
    shard,
    wakeListener,
    logIntake,
    deadLetters,
    queries,
    runs,
    workflows,
    progress,
    projections,
    streams,
    logs,
  };
}
