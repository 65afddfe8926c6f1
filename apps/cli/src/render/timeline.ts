import type { ActionAnswer, RunAnswer } from '../engine/answers';
import { formatDuration } from './format';
import { stateOf } from './progress';
import { lookOf, type Paint } from './style';
import { padTo, widthOf } from './table';

const barWidth = 40;

interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * When each action was worked on, on the run's own time axis:
 *
 *     ✓ split   ████                        0 ms   +120 ms
 *     ✓ fit         ███████████             6/6
 *
 * @param untilMs where the axis of a run that goes on ends, ms since the epoch: now, or its last event for one as it once was
 */
export function timelineLines(run: RunAnswer, paint: Paint, untilMs: number): string[] {
  const to = run.ended_at === null ? Math.max(untilMs, Date.parse(run.updated_at)) : Date.parse(run.ended_at);
  const whole = { from: Date.parse(run.created_at), to };
  const names = run.actions.map((action) => `${action.group === null ? '' : '  '}${action.id}`);
  const width = Math.max(...names.map(widthOf), 0);
  return run.actions.map((action, index) => {
    const state = stateOf(action);
    const { symbol, tint } = lookOf(state);
    const bar = barOf(spanOf(action, whole), whole);
    return `${paint(tint, symbol)} ${padTo(names[index] ?? '', width)}  ${paint(tint, padTo(bar, barWidth))}  ${noteOf(action, state, whole)}`.trimEnd();
  });
}

function spanOf({ started_at: start, ended_at: end }: ActionAnswer, whole: Span): Span | undefined {
  return start === null ? undefined : { from: Date.parse(start), to: end === null ? whole.to : Date.parse(end) };
}

function barOf(span: Span | undefined, whole: Span): string {
  if (span === undefined) return '';
  const length = Math.max(1, whole.to - whole.from);
  const column = (at: number) => Math.round(((at - whole.from) / length) * barWidth);
  const from = Math.min(barWidth - 1, Math.max(0, column(span.from)));
  return ' '.repeat(from) + '█'.repeat(Math.max(1, Math.min(barWidth, column(span.to)) - from));
}

function noteOf(action: ActionAnswer, state: string, whole: Span): string {
  const span = spanOf(action, whole);
  const duration = span === undefined ? '' : formatDuration(Math.max(0, span.to - span.from));
  const succeeded = action.counts['succeeded'] ?? 0;
  const elements = action.for_each === null ? '' : `${succeeded} of ${action.for_each.count ?? '?'}`;
  const tries = action.attempts > 1 ? `${action.attempts} attempts` : '';
  const failure = action.failure === null ? '' : (action.failure.message.split('\n', 1)[0] ?? '');
  return [state === 'succeeded' ? '' : state, duration, elements, tries, failure]
    .filter((part) => part !== '')
    .join(', ');
}
