import { printJson, printLines, type Context } from '../context';
import type { ExecutionAnswer, RunAnswer } from '../engine/answers';
import { formatDuration, formatTime } from '../render/format';
import { lookOf, type Paint } from '../render/style';
import { timelineLines } from '../render/timeline';

export interface ShowOptions {
  readonly version?: number;
  readonly json?: boolean;
}

/** Executions that are looked through for what waits and what failed. */
const executionsLimit = 1000;
const mostWaits = 10;

export async function show(context: Context, runId: string, { version, json }: ShowOptions): Promise<void> {
  const asOf = version === undefined ? {} : { version };
  const run = await context.engine.run(runId, { limit: executionsLimit, ...asOf });
  if (json === true) return printJson(context, run);
  const untilMs = version === undefined ? Date.now() : Date.parse(run.updated_at);
  printLines(context, describeRun(run, context.terminal.paint, untilMs));
}

function describeRun(run: RunAnswer, paint: Paint, untilMs: number): string[] {
  const { symbol, tint } = lookOf(run.state);
  const duration = run.duration_ms === null ? '' : ` in ${formatDuration(run.duration_ms)}`;
  const labels = Object.entries(run.labels).map(([name, value]) => `${name}=${value}`);
  const facts = [
    `started ${formatTime(run.created_at)} UTC`,
    `workflow version ${run.workflow_version}`,
    `${run.version} events`,
  ];
  return [
    `${paint(tint, `${symbol} ${run.state}`)}${duration}  ${paint('bold', run.workflow_id)}  ${run.run_id}`,
    paint('dim', [...facts, ...labels].join(' · ')),
    ...failureLines(run, paint),
    '',
    ...timelineLines(run, paint, untilMs),
    ...waitLines(run, paint),
  ];
}

function failureLines({ failure, cancel }: RunAnswer, paint: Paint): string[] {
  const cancelled =
    cancel === null ? [] : [paint('yellow', `cancelled by ${cancel.requested_by ?? 'request'}: ${cancel.reason}`)];
  if (failure === null) return cancelled;
  const place = failure.execution === null ? '' : ` in ${failure.execution}`;
  const code = failure.code === undefined ? '' : ` (${failure.code})`;
  return [...cancelled, paint('red', `${failure.kind}${place}${code}: ${failure.message}`)];
}

/** Why what has not begun, or is not done, is not. Nothing of a run that has ended waits. */
function waitLines(run: RunAnswer, paint: Paint): string[] {
  if (run.ended_at !== null) return [];
  const waits = run.executions.flatMap((execution) => {
    const reason = waitReason(execution);
    return reason === undefined ? [] : [`  ${execution.execution}: ${reason}`];
  });
  if (waits.length === 0) return [];
  const rest = waits.length - mostWaits;
  return ['', paint('bold', 'Waiting'), ...waits.slice(0, mostWaits), ...(rest > 0 ? [`  … and ${rest} more`] : [])];
}

export function waitReason(execution: ExecutionAnswer): string | undefined {
  const { state, attempts, ready_at: ready, retry_at: retry, scheduled_at: scheduled } = execution;
  const { waiting_for: waitingFor } = execution;
  switch (state) {
    case 'waiting':
      return 'for what it needs to end';
    case 'ready':
      return `${waitingFor ?? 'for a free place in its pool'}${ready === null ? '' : `, since ${formatTime(ready)}`}`;
    case 'retrying':
      return `for attempt ${attempts + 1}${retry === null ? '' : ` at ${formatTime(retry)}`}`;
    case 'scheduled':
      return `for an executor to begin attempt ${attempts}${scheduled === null ? '' : `, handed out ${formatTime(scheduled)}`}`;
    default:
      return undefined;
  }
}
