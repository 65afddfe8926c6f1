import { BrokerModel, type Queue } from './broker-model';
import { ExecutorModel } from './executor-model';
import { LogModel } from './log-model';
import { ReaderModel } from './reader-model';
import { RunnerModel, type Committed, type ExecutionModel, type RunModel, type RunnerItem } from './runner-model';
import type { Scenario } from './scenario';
import type { Simulation } from './simulation';
import { Host, Station } from './station';
import type { Costs } from './unit-costs';

/** Starts in one message at most. */
const maxPacked = 50;

/** How finely a page of the relay is simulated. */
const relayedAtOnce = 25;

export interface Times {
  /** From the commit that hands an execution out to the commit of its end. */
  readonly steps: number[];
  /** From a caller's request to its first execution running. */
  readonly starts: number[];
  /** From a caller's request to the commit of the run's end. */
  readonly runs: number[];
}

interface StateStoreModel {
  readonly thread: Station;
  readonly projections: ReaderModel;
  readonly relay: ReaderModel;
}

/** All parts of the engine, and what goes from one to the other. */
export class Pipeline {
  readonly host: Host | undefined;
  readonly intakes: readonly Station[];
  readonly broker: BrokerModel;
  readonly logs: readonly LogModel[];
  readonly readDatabases: readonly Station[];
  readonly runners: readonly RunnerModel[];
  readonly executors: readonly ExecutorModel[];
  readonly clusters: readonly Station[];
  readonly stores: readonly StateStoreModel[];
  readonly times: Times = { steps: [], starts: [], runs: [] };
  readonly counts = { asked: 0, startedRuns: 0, endedRuns: 0, scheduled: 0, ended: 0 };
  private readonly partitions: readonly Queue[];
  /** Of each executor, as what else is for it alone. */
  private readonly startQueues: readonly Queue[];
  private readonly ownQueues: readonly Queue[];
  /** Of each intake. */
  private readonly replies: readonly Queue[];
  private readonly turnOfExecutor: number[];
  /** Of each runner: executors that have yet to be told what it has settled. */
  private readonly unsettled = new Map<RunnerModel, Set<number>>();
  private nextSite = 0;
  private nextReply = 0;
  private isCounting = false;

  constructor(
    private readonly simulation: Simulation,
    private readonly scenario: Scenario,
    private readonly costs: Costs,
    private readonly random: () => number,
  ) {
    const { load, deployment } = scenario;
    const { sharedCores, coresPerDatabase, sites } = deployment;
    this.host = sharedCores > 0 ? new Host(simulation, sharedCores) : undefined;
    const station = (servers: number) => new Station(simulation, servers, this.host);
    this.intakes = many(deployment.intakes, () => station(1));
    this.broker = new BrokerModel(simulation, deployment, costs, this.host);
    this.logs = many(
      deployment.logShards,
      () => new LogModel(simulation, coresPerDatabase, load.eventBytes, costs, this.host),
    );
    this.readDatabases = many(deployment.readDatabases, () => station(coresPerDatabase));
    this.startQueues = many(deployment.executors, () => this.broker.queue());
    this.partitions = many(deployment.partitions, () => this.broker.queue());
    this.ownQueues = many(deployment.executors, () => this.broker.queue());
    this.replies = many(deployment.intakes, () => this.broker.queue());
    this.clusters = many(sites, () => new Station(simulation, 1));
    this.turnOfExecutor = many(sites, () => 0);
    this.runners = many(deployment.runners, (index) => this.runner(index));
    this.executors = many(deployment.executors, (index) => this.executor(index));
    this.stores = many(deployment.projectionShards, (index) => this.stateStore(index));
  }

  /** From now on times are kept. */
  count(): void {
    this.isCounting = true;
    this.broker.messages = 0;
    for (const runner of this.runners) runner.batches.length = 0;
    for (const { projections, relay } of this.stores) {
      for (const reader of [projections, relay]) {
        reader.lags.length = 0;
        reader.handled = 0;
      }
    }
    for (const log of this.logs) log.events = 0;
  }

  /** A caller asks for a run. */
  ask(): void {
    const { executionsPerRun, width } = this.scenario.load;
    const partition = Math.floor(this.random() * this.partitions.length);
    const run: RunModel = {
      partition,
      arrivedAt: this.simulation.now,
      isCounted: this.isCounting,
      width,
      unscheduled: executionsPerRun,
      outstanding: 0,
    };
    elementOf(this.intakes, this.counts.asked++).serve(this.costs.intakeUsPerRun / 1e6, () => {
      this.toRunner(partition, [{ type: 'start', run }], () => undefined);
    });
  }

  private runner(index: number): RunnerModel {
    const log = elementOf(this.logs, index);
    const runner: RunnerModel = new RunnerModel(
      this.simulation,
      log,
      this.costs,
      (turn) => this.committed(runner, turn),
      this.host,
    );
    return runner;
  }

  private executor(index: number): ExecutorModel {
    const { simulation, costs, scenario } = this;
    const { serviceMs } = scenario.load;
    const { slotsPerExecutor, podsPerStep } = scenario.deployment;
    const parts = {
      simulation,
      costs,
      slots: slotsPerExecutor,
      serviceS: () => (serviceMs === 0 ? 0 : (-Math.log(1 - this.random()) * serviceMs) / 1e3),
      cluster: elementOf(this.clusters, index),
      podS: podsPerStep / costs.podsPerS,
      report: (partition: number, items: readonly RunnerItem[], confirmed: () => void) =>
        this.toRunner(partition, items, confirmed),
    };
    return new ExecutorModel(parts, this.host);
  }

  private stateStore(index: number): StateStoreModel {
    const { simulation, costs } = this;
    const log = elementOf(this.logs, index);
    const readDatabase = this.readDatabases.length > 0 ? elementOf(this.readDatabases, index) : log.database;
    const thread = new Station(simulation, 1, this.host);
    const outward = this.broker.queue();
    const read = (events: number, done: () => void) =>
      log.database.serve((costs.tailUsPerPage + events * costs.tailUsPerEvent) / 1e6, done);
    const fold = (events: number, done: () => void) =>
      thread.serve((costs.projectUsPerPage + events * costs.projectUsPerEvent) / 1e6, done);
    const write = (events: number, done: () => void) =>
      readDatabase.serve((costs.projectDatabaseUsPerPage + events * costs.projectDatabaseUsPerEvent) / 1e6, done);
    const publish = (events: number, done: () => void) =>
      thread.serve(costs.relayUsPerPage / 1e6, () => this.publishPage(thread, outward, events, done));
    const wakeS = costs.hopUs / 1e6;
    const projections = new ReaderModel(simulation, {
      pageEvents: costs.projectPageEvents,
      restS: costs.projectRestUs / 1e6,
      wakeS,
      handle: (events, done) => read(events, () => fold(events, () => write(events, done))),
    });
    const relay = new ReaderModel(simulation, {
      pageEvents: costs.relayPageEvents,
      restS: costs.relayRestUs / 1e6,
      wakeS,
      handle: (events, done) => read(events, () => publish(events, done)),
    });
    // Each log knows of its own readers, and shares its events evenly among those of one kind.
    log.follow({ projections, relay });
    return { thread, projections, relay };
  }

  /** One message for each event. While one is on its way the next are made: the page is done when the last is confirmed. */
  private publishPage(thread: Station, outward: Queue, events: number, done: () => void): void {
    let unconfirmed = events;
    for (let from = 0; from < events; from += relayedAtOnce) {
      const part = Math.min(relayedAtOnce, events - from);
      thread.serve((part * this.costs.relayUsPerEvent) / 1e6, () =>
        this.broker.sendMany(outward, part, part, () => {
          unconfirmed -= part;
          if (unconfirmed === 0) done();
        }),
      );
    }
  }

  private toRunner(partition: number, items: readonly RunnerItem[], confirmed: () => void): void {
    this.broker.send(elementOf(this.partitions, partition), items.length, () => {
      confirmed();
      elementOf(this.runners, partition).receive(items);
    });
  }

  private committed(runner: RunnerModel, { items, scheduled, endedRuns }: Committed): void {
    const { now } = this.simulation;
    for (const execution of scheduled) execution.scheduledAt = now;
    this.counts.scheduled += scheduled.length;
    this.counts.endedRuns += endedRuns.length;
    if (this.isCounting) for (const run of endedRuns) if (run.isCounted) this.times.runs.push(now - run.arrivedAt);
    let accepted = 0;
    for (const item of items) {
      if (item.type === 'start') accepted++;
      else {
        this.settle(runner, item.execution.executor);
        this.counts.ended++;
        if (this.isCounting) this.times.steps.push(now - item.execution.scheduledAt);
      }
    }
    this.counts.startedRuns += accepted;
    this.reply(runner, accepted);
    this.handOut(runner, scheduled);
  }

  /** Gathered over several turns: one message then for each executor. */
  private settle(runner: RunnerModel, executor: number): void {
    let executors = this.unsettled.get(runner);
    if (executors === undefined) {
      this.unsettled.set(runner, (executors = new Set()));
      this.simulation.after(this.costs.settledRestUs / 1e6, () => this.tellSettled(runner));
    }
    executors.add(executor);
  }

  private tellSettled(runner: RunnerModel): void {
    for (const executor of this.unsettled.get(runner) ?? []) {
      this.publish(runner, elementOf(this.ownQueues, executor), 1, () => elementOf(this.executors, executor).settle());
    }
    this.unsettled.delete(runner);
  }

  /** What one turn answers to one intake travels together. */
  private reply(runner: RunnerModel, accepted: number): void {
    const messages = Math.min(accepted, this.replies.length);
    for (let index = 0; index < messages; index++) {
      this.publish(runner, elementOf(this.replies, this.nextReply++), accepted / messages, () => undefined);
    }
  }

  /** A turn chooses one site, and for each start an executor of it; those for the same one travel together. */
  private handOut(runner: RunnerModel, scheduled: readonly ExecutionModel[]): void {
    const starts = new Map<number, ExecutionModel[]>();
    const site = this.nextSite;
    if (scheduled.length > 0) this.nextSite = (site + 1) % this.scenario.deployment.sites;
    for (const execution of scheduled) {
      execution.executor = this.executorAt(site);
      const mine = starts.get(execution.executor);
      if (mine === undefined) starts.set(execution.executor, [execution]);
      else mine.push(execution);
    }
    for (const [executor, mine] of starts) {
      for (let from = 0; from < mine.length; from += maxPacked) {
        const part = mine.slice(from, from + maxPacked);
        this.publish(runner, elementOf(this.startQueues, executor), part.length, () => {
          elementOf(this.executors, executor).receive(part, (execution) => this.started(execution));
        });
      }
    }
  }

  /** Each of a site in turn: with loads that are spread evenly, that is the one with the most slots left. */
  private executorAt(site: number): number {
    const { sites, executors } = this.scenario.deployment;
    const turn = elementOf(this.turnOfExecutor, site);
    this.turnOfExecutor[site] = turn + 1;
    return (site + sites * (turn % Math.ceil(executors / sites))) % executors;
  }

  private started({ isFirst, run }: ExecutionModel): void {
    if (isFirst && run.isCounted) this.times.starts.push(this.simulation.now - run.arrivedAt);
  }

  private publish(runner: RunnerModel, queue: Queue, items: number, delivered: () => void): void {
    runner.thread.serve(this.costs.runnerUsPerMessage / 1e6, () => this.broker.send(queue, items, delivered));
  }
}

function many<Item>(count: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Spread evenly: the element whose turn an index is. */
function elementOf<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined) throw new Error('Expected at least one of each part, found none');
  return item;
}
