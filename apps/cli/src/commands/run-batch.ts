import { randomUUID } from 'node:crypto';
import { readBatch, type BatchLine } from '../batch/batch-file';
import { isUnanswered, startBatch, type LineOutcome } from '../batch/start-batch';
import { printJson, type Context } from '../context';
import type { BatchItem } from '../engine/answers';
import { RefusedError } from '../errors';
import { exitStatus, type ExitStatus } from '../exit-status';
import { parseLabels } from '../inputs';
import { isDefinitionPath } from '../upload/definition-file';
import { ask, uploaded } from './definitions';

export interface RunBatchOptions {
  /** JSON lines; `-` is the standard input. */
  readonly batch: string;
  readonly label: readonly string[];
  readonly key?: string;
  readonly json?: boolean;
}

/** Starts a run for each line of a file: of a definition (deployed on the way), or of a workflow that is deployed. */
export async function runBatch(context: Context, target: string, options: RunBatchOptions): Promise<ExitStatus> {
  const key = options.key ?? randomUUID();
  const lines = await readBatch(context, options.batch, { labels: parseLabels(options.label), key });
  const workflowId = await workflowOf(context, target);
  const outcomes: LineOutcome[] = [];
  const batch = { lines, outcomes, workflowId, key };
  try {
    for await (const some of startBatch(context.engine, workflowId, lines, context.interrupted)) {
      outcomes.push(...some);
      if (options.json !== true) for (const outcome of some) printOutcome(context, outcome);
    }
  } catch (error) {
    // What has been started is started; only a refusal of the first call says that nothing was.
    if (outcomes.length > 0 || !(error instanceof RefusedError)) conclude(context, batch, options);
    throw error;
  }
  conclude(context, batch, options);
  return statusOf(outcomes);
}

/** A definition is deployed once for all runs. */
async function workflowOf(context: Context, target: string): Promise<string> {
  if (!(await isDefinitionPath(target))) return target;
  const definition = await uploaded(context, target);
  return (await ask(definition, () => context.engine.deploy(definition.definition))).workflow_id;
}

function printOutcome({ terminal }: Context, { line, item }: LineOutcome): void {
  if (isStarted(item)) return terminal.write(`line ${line}: run ${item.run_id}\n`);
  terminal.note(`${terminal.paint('bold', `line ${line}`)}: ${terminal.paint('red', item.error)}`);
  for (const { path, reason } of detailsOf(item)) terminal.note(`  ${path === '' ? '' : `${path}: `}${reason}`);
}

/** The answer of the engine, in terms of the file. */
function jsonOf({ line, item }: LineOutcome) {
  return isStarted(item) ? { line, ...item } : { line, ...item, details: detailsOf(item) };
}

interface Batch {
  readonly lines: readonly BatchLine[];
  readonly outcomes: readonly LineOutcome[];
  readonly workflowId: string;
  readonly key: string;
}

function conclude(context: Context, { lines, outcomes, workflowId, key }: Batch, { json }: RunBatchOptions): void {
  const { terminal } = context;
  if (json === true) printJson(context, outcomes.map(jsonOf));
  const started = outcomes.filter(({ item }) => isStarted(item)).length;
  terminal.note(`Started ${started} of ${lines.length} runs of ${workflowId}`);
  if (started < lines.length) terminal.note(`To start the rest, and nothing twice, run it again with --key ${key}`);
}

/** A refusal needs somebody to act, so it tells more than an engine that could not answer now. */
function statusOf(outcomes: readonly LineOutcome[]): ExitStatus {
  const missing = outcomes.filter(({ item }) => !isStarted(item));
  if (missing.length === 0) return exitStatus.ok;
  return missing.every(({ item }) => isUnanswered(item)) ? exitStatus.unreachable : exitStatus.wrongUse;
}

type StartedItem = Extract<BatchItem, { status: 202 }>;
type RefusedItem = Exclude<BatchItem, StartedItem>;

function isStarted(item: BatchItem): item is StartedItem {
  return 'run_id' in item && item.status === 202;
}

/** `runs[3].` counts inside one call, which means nothing to who wrote the file. */
function detailsOf({ details }: RefusedItem) {
  return details.map(({ path, reason }) => ({ path: path.replace(/^runs\[\d+\]\.?/, ''), reason }));
}
