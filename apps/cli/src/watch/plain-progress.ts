import type { ActionAnswer, RunAnswer } from '../engine/answers';
import { formatDuration } from '../render/format';
import { stateOf } from '../render/progress';

/** For a log file: a line when an action changes its state, and at each quarter of a `for_each`. */
export class PlainProgress {
  private readonly said = new Map<string, string>();

  /** What is new since the last call. */
  news(run: RunAnswer): string[] {
    return run.actions.flatMap((action) => {
      const now = summaryOf(action);
      if (now === 'waiting' || this.said.get(action.id) === now) return [];
      this.said.set(action.id, now);
      return [`${formatDuration(elapsed(run)).padStart(9)}  ${action.id}: ${now}${reasonOf(action)}`];
    });
  }
}

function elapsed({ created_at: start, updated_at: now }: RunAnswer): number {
  return Math.max(0, Date.parse(now) - Date.parse(start));
}

function summaryOf(action: ActionAnswer): string {
  const state = stateOf(action);
  const total = action.for_each?.count ?? 0;
  if (total === 0) return state;
  const done = ['succeeded', 'skipped', 'failed', 'cancelled'].reduce(
    (sum, each) => sum + (action.counts[each] ?? 0),
    0,
  );
  const quarter = Math.floor((done * 4) / total);
  return state === 'running'
    ? `running, ${Math.ceil((quarter * total) / 4)} of ${total} done`
    : `${state}, ${done} of ${total}`;
}

function reasonOf({ failure }: ActionAnswer): string {
  return failure === null ? '' : ` (${failure.kind}: ${failure.message.split('\n', 1)[0] ?? ''})`;
}
