import type { ActionAnswer, RunAnswer } from '../engine/answers';
import { formatDuration } from './format';
import { lookOf, type Paint } from './style';
import { padTo } from './table';

const barWidth = 24;
const longestName = 32;

export interface ProgressOptions {
  readonly paint: Paint;
  readonly nowMs: number;
  /** Lines that the terminal can show. */
  readonly rows: number;
}

/** A run's state in a block of lines: a head, and a line for each action. */
export function progressLines(run: RunAnswer, options: ProgressOptions): string[] {
  const { paint, rows } = options;
  const width = Math.min(longestName, Math.max(...run.actions.map(({ id }) => id.length), 0));
  const shown = mostTelling(run.actions, Math.max(1, rows - 3));
  const left = run.actions_total - shown.length;
  return [
    headLine(run, options),
    ...shown.map((action) => actionLine(action, width, options)),
    ...(left > 0 ? [paint('dim', `  … and ${left} more actions`)] : []),
  ];
}

function headLine(run: RunAnswer, { paint, nowMs }: ProgressOptions): string {
  const { symbol, tint } = lookOf(run.state);
  const elapsed = run.duration_ms ?? Math.max(0, nowMs - Date.parse(run.created_at));
  return `${paint(tint, symbol)} ${paint('bold', run.workflow_id)} ${paint(tint, run.state)} ${paint('dim', formatDuration(elapsed))}`;
}

function actionLine(action: ActionAnswer, nameWidth: number, options: ProgressOptions): string {
  const { paint } = options;
  const state = stateOf(action);
  const { symbol, tint } = lookOf(state);
  const indent = action.group === null ? '  ' : '    ';
  const name = padTo(action.id.length > longestName ? `${action.id.slice(0, longestName - 1)}…` : action.id, nameWidth);
  return `${indent}${paint(tint, symbol)} ${name}  ${detailOf(action, state, options)}`
    .trimEnd()
    .concat(action.failure === null ? '' : paint('red', `  ${action.failure.message.split('\n', 1)[0] ?? ''}`));
}

function detailOf(action: ActionAnswer, state: string, { paint, nowMs }: ProgressOptions): string {
  const total = action.for_each?.count ?? 0;
  const timing = elapsedOf(action, nowMs);
  const dim = paint(
    'dim',
    [state === 'succeeded' || state === 'running' ? '' : state, timing].filter(Boolean).join('  '),
  );
  const tries = action.attempts > 1 ? paint('yellow', `  attempt ${action.attempts}`) : '';
  return total === 0 ? `${dim}${tries}` : `${bar(action, total, paint)}  ${dim}`;
}

/** `██████░░░░ 12/40`, failed elements in red. */
function bar({ counts }: ActionAnswer, total: number, paint: Paint): string {
  const failed = (counts['failed'] ?? 0) + (counts['cancelled'] ?? 0);
  const done = (counts['succeeded'] ?? 0) + (counts['skipped'] ?? 0);
  const failedWidth = failed === 0 ? 0 : Math.max(1, Math.floor((failed / total) * barWidth));
  const doneWidth = Math.min(barWidth - failedWidth, Math.floor((done / total) * barWidth));
  const rest = barWidth - failedWidth - doneWidth;
  const filled =
    paint('green', '█'.repeat(doneWidth)) + paint('red', '█'.repeat(failedWidth)) + paint('dim', '░'.repeat(rest));
  return `${filled} ${done + failed}/${total}${failed === 0 ? '' : paint('red', ` ${failed} failed`)}`;
}

/** Inside a `for_each` an action has many executions: then the liveliest of them speaks. */
export function stateOf({ state, counts }: Pick<ActionAnswer, 'state' | 'counts'>): string {
  if (state !== null) return state;
  const liveliest = [
    'running',
    'cancelling',
    'retrying',
    'scheduled',
    'ready',
    'failed',
    'cancelled',
    'succeeded',
    'skipped',
  ];
  return liveliest.find((each) => (counts[each] ?? 0) > 0) ?? 'waiting';
}

function elapsedOf({ started_at: start, ended_at: end, state }: ActionAnswer, nowMs: number): string {
  if (start === null || (end === null && state !== 'running')) return '';
  return formatDuration(Math.max(0, (end === null ? nowMs : Date.parse(end)) - Date.parse(start)));
}

/** All of them where they fit; else those that are being worked on or went wrong come first, in the definition's order. */
function mostTelling(actions: readonly ActionAnswer[], room: number): readonly ActionAnswer[] {
  if (actions.length <= room) return actions;
  const quiet = new Set(['waiting', 'skipped', 'succeeded']);
  const loud = actions.filter((action) => !quiet.has(stateOf(action)));
  const chosen = new Set([...loud, ...actions].slice(0, room));
  return actions.filter((action) => chosen.has(action));
}
