import type { ActionAnswer, RunAnswer } from '../engine/answers';

/** A run that has just begun; what a test is about is given. */
export function aRun(given: Partial<RunAnswer> = {}): RunAnswer {
  return {
    run_id: 'r1',
    workflow_id: 'quakes',
    workflow_version: 1,
    version: 3,
    state: 'running',
    labels: {},
    created_at: '2026-01-01T00:00:00.000Z',
    updated_at: '2026-01-01T00:00:01.000Z',
    ended_at: null,
    duration_ms: null,
    counts: {},
    cancel: null,
    failure: null,
    actions: [],
    actions_total: given.actions?.length ?? 0,
    executions: [],
    next_cursor: null,
    ...given,
  };
}

export function anAction(given: Partial<ActionAnswer> = {}): ActionAnswer {
  return {
    id: 'split',
    kind: 'action',
    group: null,
    in_finally: false,
    state: 'waiting',
    for_each: null,
    counts: {},
    attempts: 0,
    started_at: null,
    ended_at: null,
    failure: null,
    ...given,
  };
}
