import * as fc from 'fast-check';
import type { Plan } from '../definition/plan';
import { evolve } from './evolve';
import { lineage } from './layout';
import { outstanding, readyWork } from './queries';
import type { RecordedRunEvent } from './run-aggregate';
import { restore, snapshot } from './snapshot';
import { isOpen, newRun, type Collection, type Instance, type RunState, type Scope } from './state';
import { planOf, planShape, type PlanShape } from './testing/arbitrary-plan';
import { Chaos, outputsOf, steps, type Step } from './testing/chaos';
import { RunDriver } from './testing/run-driver';
import { nextWakeup } from './timers';

function runThrough(
  shape: PlanShape,
  what: readonly Step[],
  afterEach: (run: RunDriver) => void = () => {},
): RunDriver {
  const chaos = new Chaos(new RunDriver(planOf(shape)).start());
  for (const each of what) {
    chaos.apply(each);
    afterEach(chaos.run);
  }
  return chaos.run;
}

function runToItsEnd(shape: PlanShape, what: readonly Step[]): RunDriver {
  const run = runThrough(shape, what);
  new Chaos(run).drain();
  return run;
}

function copyOf(state: RunState): unknown {
  return JSON.parse(JSON.stringify(snapshot(state)));
}

describe('any definition, whatever happens to its run', () => {
  it('ends', () => {
    fc.assert(
      fc.property(planShape, steps, (shape, what) => {
        const run = runToItsEnd(shape, what);
        expect(isOpen(run.state)).toBe(false);
        expect(run.outstanding()).toEqual([]);
        expect(run.ready()).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('ends even if nobody ever answers a cancel', () => {
    fc.assert(
      fc.property(planShape, steps, (shape, what) => {
        const run = runThrough(shape, what);
        run.cancel(true);
        for (let wakeup = nextWakeup(run.state); wakeup !== null; wakeup = nextWakeup(run.state)) {
          run.wakeAt(Math.max(run.now, wakeup));
        }
        expect(isOpen(run.state)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('always has something that will move it on', () => {
    fc.assert(
      fc.property(planShape, steps, (shape, what) => {
        runThrough(shape, what, ({ state }) => {
          if (!isOpen(state)) return;
          expect(state.outstanding.size > 0 || readyWork(state).length > 0 || nextWakeup(state) !== null).toBe(true);
        });
      }),
    );
  });

  it('is folded from its log to the state that it had live', () => {
    fc.assert(
      fc.property(planShape, steps, (shape, what) => {
        const run = runThrough(shape, what);
        run.wakeAt(run.now);
        const folded = new RunDriver(run.plan);
        folded.log.push(...run.log);
        folded.state = run.replayed();
        folded.wakeAt(run.now);
        expect(folded.log).toHaveLength(run.log.length);
        expect(copyOf(folded.state)).toEqual(copyOf(run.state));
      }),
      { numRuns: 300 },
    );
  });

  it('goes on from a snapshot as it would have without', () => {
    fc.assert(
      fc.property(planShape, steps, fc.nat(), (shape, what, cut) => {
        const run = runToItsEnd(shape, what);
        const at = cut % run.log.length;
        const before = run.log.slice(0, at).reduce(evolve, newRun(run.plan));
        const restored = restore(run.plan, JSON.parse(JSON.stringify(snapshot(before))));
        expect(copyOf(run.log.slice(at).reduce(evolve, restored))).toEqual(copyOf(run.state));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps its queues in step with its executions', () => {
    fc.assert(
      fc.property(planShape, steps, (shape, what) => {
        runThrough(shape, what, (run) => {
          const restored = restore(run.plan, JSON.parse(JSON.stringify(snapshot(run.state))));
          const counted = (state: RunState) =>
            readyWork(state).sort((a, b) => a.demand.key.localeCompare(b.demand.key));
          expect(counted(run.state)).toEqual(counted(restored));
          expect(run.ready()).toHaveLength(readyWork(run.state).reduce((sum, { count }) => sum + count, 0));
          expect(run.state.tally).toEqual(restored.tally);
          expect(nextWakeup(run.state)).toBe(nextWakeup(restored));
          expect(run.outstanding().sort()).toEqual([...outstanding(restored)].map(({ execution }) => execution).sort());
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has at most one open attempt of an execution, and numbers them without a gap', () => {
    fc.assert(
      fc.property(planShape, steps, (shape, what) => {
        const open = new Map<string, number>();
        const last = new Map<string, number>();
        for (const event of runToItsEnd(shape, what).log) {
          if (event.type === 'ExecutionScheduled') {
            const { execution, attempt } = event.data;
            expect(open.has(execution)).toBe(false);
            expect(attempt).toBe((last.get(execution) ?? 0) + 1);
            open.set(execution, attempt);
            last.set(execution, attempt);
          }
          const ended = endedAttempt(event);
          if (ended === undefined) continue;
          expect(open.get(ended.execution)).toBe(ended.attempt);
          open.delete(ended.execution);
        }
        expect(open.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('starts nothing before everything that it waits for has ended', () => {
    fc.assert(
      fc.property(planShape, steps, (shape, what) => {
        const run = runToItsEnd(shape, what);
        const ended = new Set<string>();
        for (const event of run.log) {
          if (event.type === 'ExecutionScheduled') {
            for (const name of awaited(run.plan, event.data.execution)) expect(ended).toContain(name);
          }
          const name = endedName(event);
          if (name !== undefined) ended.add(name);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('starts nothing but finally once it was asked to stop, and nothing at all once it was by force', () => {
    fc.assert(
      fc.property(planShape, steps, (shape, what) => {
        const run = runToItsEnd(shape, what);
        let isStopping = false;
        let isForced = false;
        for (const { type, data } of run.log) {
          if (type === 'RunCancelRequested') {
            isStopping = true;
            isForced ||= data.force;
          }
          if (type !== 'ExecutionScheduled' || !isStopping) continue;
          expect(isForced).toBe(false);
          expect(run.plan.entryById.get(data.execution.split('.')[0] ?? '')?.inFinally).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('accounts for every execution once it has ended', () => {
    fc.assert(
      fc.property(planShape, steps, (shape, what) => {
        const { state, log } = runToItsEnd(shape, what);
        const counts = log.flatMap((event) =>
          'counts' in event.data && !('opened' in event.data) ? [event.data.counts] : [],
        );
        expect(counts).toEqual([state.counts]);
        const { succeeded, failed, skipped, cancelled } = state.counts;
        expect(succeeded + failed + skipped + cancelled).toBe(units(state));
      }),
      { numRuns: 200 },
    );
  });

  it('changes no more once it has ended', () => {
    fc.assert(
      fc.property(planShape, steps, steps, (shape, what, more) => {
        const run = runToItsEnd(shape, what);
        const { length } = run.log;
        const chaos = new Chaos(run);
        for (const each of more) chaos.apply(each);
        expect(run.log).toHaveLength(length);
      }),
    );
  });
});

describe('any definition whose failures are tolerated', () => {
  const tolerant = planShape.map((shape) => tolerate(shape));

  it('ends in the same state in whatever order, and however often, its reports come', () => {
    fc.assert(
      fc.property(
        tolerant,
        fc.infiniteStream(fc.nat({ max: 1_000 })),
        fc.infiniteStream(fc.nat({ max: 1_000 })),
        (shape, one, other) => {
          const first = runInOrder(shape, one);
          const second = runInOrder(shape, other);
          expect(second.state.counts).toEqual(first.state.counts);
          expect(endsOf(second)).toEqual(endsOf(first));
          expect(second.log.at(-1)?.type).toBe(first.log.at(-1)?.type);
          expect(second.events('RunSucceeded')).toEqual(first.events('RunSucceeded'));
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** Without time limits, and with every failure tolerated, no order is better than another. */
function tolerate(shape: PlanShape): PlanShape {
  const entries = (shapes: PlanShape['actions']): PlanShape['actions'] =>
    shapes.map((each) => ({
      ...each,
      onFailure: 'continue',
      minSuccess: 0,
      attempts: 1,
      timeoutMs: undefined,
      content: each.content === undefined ? undefined : entries(each.content),
    }));
  return { actions: entries(shape.actions), last: entries(shape.last), timeoutMs: undefined };
}

/** What an execution comes to depends on its name alone; the order of everything on the picks. */
function runInOrder(shape: PlanShape, picks: Iterator<number>): RunDriver {
  const run = new RunDriver(planOf(shape)).start();
  const pick = (from: readonly string[]) => from[picks.next().value % from.length] ?? '';
  while (isOpen(run.state)) {
    const ready = run.ready();
    if (ready.length > 0) run.handOut(pick(ready));
    const outstanding = run.outstanding();
    if (outstanding.length === 0 || (ready.length > 1 && picks.next().value % 2 === 0)) continue;
    const execution = pick(outstanding);
    for (let times = 0; times < 2; times++) {
      if (execution.length % 3 === 0) run.fail(execution, { kind: 'user' });
      else run.succeed(execution, outputsOf(execution));
    }
  }
  return run;
}

function endsOf(run: RunDriver): string[] {
  const ends = run.log.flatMap((event) => {
    const name = endedName(event);
    return name === undefined ? [] : [`${event.type} ${name}`];
  });
  return ends.sort();
}

function endedAttempt({ type, data }: RecordedRunEvent): { execution: string; attempt: number } | undefined {
  if (type !== 'ExecutionSucceeded' && type !== 'ExecutionFailed' && type !== 'ExecutionCancelled') return undefined;
  return data.attempt === null ? undefined : { execution: data.execution, attempt: data.attempt };
}

function endedName(event: RecordedRunEvent): string | undefined {
  switch (event.type) {
    case 'ExecutionFailed':
      return event.data.will_retry ? undefined : event.data.execution;
    case 'ExecutionSucceeded':
    case 'ExecutionSkipped':
    case 'ExecutionCancelled':
    case 'CollectionClosed':
      return event.data.execution;
    default:
      return undefined;
  }
}

/** Everything that must have ended before this execution: what it and the groups around it depend on. */
function awaited(plan: Plan, execution: string): string[] {
  const [id = '', ...indexes] = execution.split('.');
  const entry = plan.entryById.get(id);
  if (entry === undefined) return ['?'];
  return lineage(plan, entry).flatMap((each) => {
    const around = indexes.slice(0, each.depth - (each.forEach === null ? 0 : 1));
    return each.dependencies.map((number) => [plan.entries[number]?.id, ...around].join('.'));
  });
}

/** What the plan comes to for this run: executions, and one for each thing that never began. */
function units({ main, finally: last }: RunState): number {
  return unitsIn(main) + unitsIn(last);
}

function unitsIn(container: Scope | Collection): number {
  const begun: (Instance | undefined)[] = container.type === 'scope' ? container.instances : container.elements;
  const planned = container.type === 'scope' ? container.plan.entries.length : container.count;
  const present = begun.filter((each) => each !== undefined);
  return (
    planned - present.length + present.reduce((sum, each) => sum + (each.inner === null ? 1 : unitsIn(each.inner)), 0)
  );
}
