import type { Connection } from '@ryax/event-log';
import type { DecodedEvent } from '../tail/decoded-event';
import { publishedAction } from './actions/action-row';
import { ActionsTable } from './actions/actions-table';
import { endedExecution, type ExecutionRow } from './executions/execution-row';
import { ExecutionsTable } from './executions/executions-table';
import { addObservation, observe, type ObservationRow } from './observations/observation-row';
import { observationKey, ObservationsTable } from './observations/observations-table';
import { evolveRunRow, type RunRow } from './runs/run-row';
import { runKey, RunsTable, type RunKey } from './runs/runs-table';
import { RememberedRows } from './remembered-rows';
import type { ReadModelSchema } from './schema';
import { TallyChanges } from './tallies/tally';
import { TalliesTable } from './tallies/tallies-table';
import { evolveWorkflowRow } from './workflows/workflow-row';
import { workflowKey, WorkflowsTable } from './workflows/workflows-table';

/** Some 30,000 open runs without labels; beyond, the rows of those that were quiet for longest are read again. */
const rememberedBytes = 16 * 1024 * 1024;
const rowBytes = 512;

/**
 * Folds batches of the log into the read models of one schema: rows are loaded, folded by pure functions, and saved, each
 * table by one statement however many rows a batch touches. The caller's transaction makes a batch take effect once.
 *
 * Statements that need no answer of each other leave together, in order: on a busy machine each wait for an answer is a turn in
 * line behind all others, and the lag of the read models is mostly those waits.
 */
export class Projector {
  private readonly runs: RunsTable;
  private readonly executions: ExecutionsTable;
  private readonly observations: ObservationsTable;
  private readonly workflows: WorkflowsTable;
  private readonly actions: ActionsTable;
  private readonly tallies: TalliesTable;
  /** Of runs that have not ended: no other changes any more. */
  private readonly openRuns = new RememberedRows<RunRow>(rememberedBytes, runBytes);
  private readonly observed = new RememberedRows<ObservationRow>(rememberedBytes, () => rowBytes);

  constructor(schema: ReadModelSchema) {
    this.runs = new RunsTable(schema);
    this.executions = new ExecutionsTable(schema);
    this.observations = new ObservationsTable(schema);
    this.workflows = new WorkflowsTable(schema);
    this.actions = new ActionsTable(schema);
    this.tallies = new TalliesTable(schema);
  }

  /** Before a batch that may follow on what another has written. */
  forget(): void {
    this.openRuns.clear();
    this.observed.clear();
  }

  /**
   * @param events in position order, following on what was projected before
   * @returns to be called once the transaction has been committed: what a batch wrote is then known to the next one
   */
  async project(connection: Connection, events: readonly DecodedEvent[]): Promise<() => void> {
    const ofRuns = events.filter(({ stream }) => stream.kind === 'run');
    const before = await this.openRuns.load(knownRuns(ofRuns), (keys) => this.runs.load(connection, keys));
    const after = foldRuns(before, ofRuns);
    const changed = [...after.values()].filter((row) => row !== before.get(runKey(row)));
    const started = changed.filter((row) => !before.has(runKey(row)));
    const ended = events.map(endedExecution).filter((row) => row !== undefined);
    const published = events.map(publishedAction).filter((row) => row !== undefined);
    const [observed] = await Promise.all([
      this.projectObservations(connection, events, after),
      this.runs.save(connection, changed),
      this.runs.saveLabels(connection, started),
      this.executions.insert(connection, ended),
      this.actions.insert(connection, published),
      this.tallies.add(connection, tally(before, changed, ended).rows),
      this.projectWorkflows(connection, events),
    ]);
    return () => this.remember(after, observed);
  }

  private remember(runs: ReadonlyMap<string, RunRow>, observed: ReadonlyMap<string, ObservationRow>): void {
    for (const [key, row] of runs) {
      if (row.endedAt === null) this.openRuns.remember(key, row);
      else this.openRuns.forget(key);
    }
    for (const [key, row] of observed) this.observed.remember(key, row);
  }

  private async projectObservations(
    connection: Connection,
    events: readonly DecodedEvent[],
    runs: ReadonlyMap<string, RunRow>,
  ): Promise<ReadonlyMap<string, ObservationRow>> {
    const seen = events.flatMap((event) => {
      const run = runs.get(runKey({ project: event.stream.project, runId: event.stream.id }));
      const observation = run && observe(event, run);
      return observation === undefined ? [] : [observation];
    });
    if (seen.length === 0) return new Map();
    const keys = new Map(seen.map((observation) => [observationKey(observation), observation]));
    const rows = await this.observed.load(keys, (missing) => this.observations.load(connection, missing));
    for (const observation of seen) {
      const key = observationKey(observation);
      rows.set(key, addObservation(rows.get(key), observation));
    }
    await this.observations.save(connection, [...rows.values()]);
    return rows;
  }

  private async projectWorkflows(connection: Connection, events: readonly DecodedEvent[]): Promise<void> {
    const ofWorkflows = events.filter(({ stream }) => stream.kind === 'workflow');
    if (ofWorkflows.length === 0) return;
    const keys = ofWorkflows.map(({ stream }) => ({ project: stream.project, workflowId: stream.id }));
    const rows = await this.workflows.load(connection, [
      ...new Map(keys.map((key) => [workflowKey(key), key])).values(),
    ]);
    for (const event of ofWorkflows) {
      const key = workflowKey({ project: event.stream.project, workflowId: event.stream.id });
      const row = evolveWorkflowRow(rows.get(key), event);
      if (row !== undefined) rows.set(key, row);
    }
    await this.workflows.save(connection, [...rows.values()]);
  }
}

/** The rows of all runs of the batch, as they are after it. */
function foldRuns(before: ReadonlyMap<string, RunRow>, events: readonly DecodedEvent[]): Map<string, RunRow> {
  const after = new Map(before);
  for (const event of events) {
    const key = runKey({ project: event.stream.project, runId: event.stream.id });
    const row = evolveRunRow(after.get(key), event);
    if (row !== undefined) after.set(key, row);
  }
  return after;
}

function tally(
  before: ReadonlyMap<string, RunRow>,
  changed: readonly RunRow[],
  ended: readonly ExecutionRow[],
): TallyChanges {
  const tallies = new TallyChanges();
  for (const row of changed) {
    const old = before.get(runKey(row));
    if (old !== undefined) tallies.add('run', row.project, old.state, -1);
    tallies.add('run', row.project, row.state, 1);
  }
  for (const { project, state } of ended) tallies.add('execution', project, state, 1);
  return tallies;
}

/** Runs of the batch that have a row already: those whose first event is not in it. */
function knownRuns(events: readonly DecodedEvent[]): ReadonlyMap<string, RunKey> {
  const keys = new Map<string, RunKey>();
  const started = new Set<string>();
  for (const { stream, version } of events) {
    const key = { project: stream.project, runId: stream.id };
    if (version === 1) started.add(runKey(key));
    else if (!started.has(runKey(key))) keys.set(runKey(key), key);
  }
  return keys;
}

function runBytes({ labels }: RunRow): number {
  let bytes = rowBytes;
  for (const [name, value] of Object.entries(labels)) bytes += 2 * (name.length + value.length);
  return bytes;
}
