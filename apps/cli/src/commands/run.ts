import { randomUUID } from 'node:crypto';
import type { JsonValue } from '@ryax/contracts';
import { printJson, type Context } from '../context';
import type { StartedRun } from '../engine/answers';
import type { RunOptions } from '../engine/engine';
import { WrongUseError } from '../errors';
import { exitStatus, type ExitStatus } from '../exit-status';
import { inputTypes, parseLabels, parsePair, resolveInputs } from '../inputs';
import { formatDuration } from '../render/format';
import { isDefinitionPath } from '../upload/definition-file';
import { uploadPath } from '../upload/local-files';
import { watchRun } from '../watch/watch-run';
import { ask, uploaded } from './definitions';
import { runBatch, type RunBatchOptions } from './run-batch';

export interface RunCommandOptions {
  readonly input: readonly string[];
  readonly label: readonly string[];
  readonly key?: string;
  readonly batch?: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** Below it an estimate is made of declared limits more than of what was seen. */
const credibleConfidence = 0.5;

/** Runs a definition (validated and deployed on the way), or a workflow that is deployed. */
export async function run(context: Context, target: string, options: RunCommandOptions): Promise<ExitStatus> {
  if (options.watch === true && options.json === true)
    throw new WrongUseError('Expected --watch or --json, found both');
  if (options.batch !== undefined) return runBatch(context, target, batchOptions(options, options.batch));
  const started = await start(context, target, options);
  const { terminal } = context;
  if (options.json === true) {
    printJson(context, started);
    return exitStatus.ok;
  }
  terminal.write(`Run ${started.run_id} of ${started.workflow_id}, version ${started.workflow_version}\n`);
  const { duration_ms: expected = null, confidence = 0 } = started.estimate ?? {};
  if (expected !== null && confidence >= credibleConfidence) {
    terminal.note(`Expected to take about ${formatDuration(expected)}`);
  }
  if (options.watch === true) return watchRun(context, started.run_id);
  terminal.note(`Watch it with: ryax watch ${started.run_id}`);
  return exitStatus.ok;
}

/** Inputs stand on the lines of a batch, and many runs are not watched in one terminal. */
function batchOptions({ input, watch, ...options }: RunCommandOptions, batch: string): RunBatchOptions {
  if (input.length > 0) throw new WrongUseError('Expected --batch or --input, found both');
  if (watch === true) throw new WrongUseError('Expected --batch or --watch, found both');
  return { ...options, batch };
}

async function start(context: Context, target: string, options: RunCommandOptions): Promise<StartedRun> {
  const { engine } = context;
  if (!(await isDefinitionPath(target))) {
    const { definition } = await engine.workflow(target);
    return engine.startRun(target, await runOptions(context, definition as JsonValue, options));
  }
  const definition = await uploaded(context, target);
  const asked = await runOptions(context, definition.definition, options);
  return ask(definition, () => engine.execute(definition.definition, asked));
}

async function runOptions(context: Context, definition: JsonValue, options: RunCommandOptions): Promise<RunOptions> {
  const pairs = options.input.map((text) => parsePair(text, '--input'));
  const inputs = await resolveInputs(pairs, inputTypes(definition), (path) => uploadPath(context.engine, path));
  return { inputs, labels: parseLabels(options.label), key: options.key ?? randomUUID() };
}
