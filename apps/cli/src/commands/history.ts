import { printJson, type Context } from '../context';
import type { HistoryEvent } from '../engine/answers';
import { formatDuration } from '../render/format';
import { padTo } from '../render/table';

export interface HistoryOptions {
  readonly json?: boolean;
}

const pageSize = 1000;

/** Every event of a run, in order; printed page by page, as a run may have very many. */
export async function history(context: Context, runId: string, { json }: HistoryOptions): Promise<void> {
  const { engine, terminal, interrupted } = context;
  const all: HistoryEvent[] = [];
  let seen = 0;
  let startedAt: string | undefined;
  while (!interrupted.aborted) {
    const { events, head_version: head } = await engine.history(runId, seen, pageSize);
    startedAt ??= events[0]?.recorded_at;
    for (const event of events) {
      if (json === true) all.push(event);
      else terminal.write(`${describeEvent(event, startedAt)}\n`);
    }
    seen = events.at(-1)?.version ?? head;
    if (seen >= head) break;
  }
  if (json === true) printJson(context, all);
}

/** `  12    +340 ms  ExecutionSucceeded       fit.3  took 120 ms`. */
export function describeEvent(event: HistoryEvent, startedAt: string | undefined): string {
  const since = Date.parse(event.recorded_at) - Date.parse(startedAt ?? event.recorded_at);
  const after = since === 0 ? '' : `+${formatDuration(Math.max(0, since))}`;
  const { execution } = event.data;
  const name = typeof execution === 'string' ? `${execution}  ` : '';
  const head = `${String(event.version).padStart(5)}  ${after.padStart(10)}  ${padTo(event.type, 24)}`;
  return `${head}  ${name}${factsOf(event.data)}`.trimEnd();
}

/** The facts of an event that a reader looks for; the rest is in --json. */
function factsOf(data: HistoryEvent['data']): string {
  const { attempt, duration_ms: duration, failure, delay_ms: delay, count, reason, executor } = data;
  const facts = [
    typeof attempt === 'number' && attempt > 1 ? `attempt ${attempt}` : '',
    typeof count === 'number' ? `${count} elements` : '',
    typeof duration === 'number' ? `took ${formatDuration(duration)}` : '',
    typeof delay === 'number' ? `in ${formatDuration(delay)}` : '',
    typeof executor === 'string' ? `on ${executor}` : '',
    typeof reason === 'string' ? reason : isRecord(reason) ? skipReason(reason) : '',
    isRecord(failure) ? `${String(failure['kind'])}: ${String(failure['message'])}` : '',
  ];
  return facts.filter((fact) => fact !== '').join(', ');
}

function skipReason({ type, upstream }: Record<string, unknown>): string {
  if (type === 'condition') return 'its condition was false';
  return typeof upstream === 'string' ? `because ${upstream} was skipped` : String(type);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
