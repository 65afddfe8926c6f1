import type { Plan } from '../definition/plan';
import { restore, snapshot } from '../run/snapshot';
import { action, group, literal, ref, workflow } from '../run/testing/plan-builder';
import { simulate, type SimulatedRun } from './simulate';

const executions = 100_000;

function run(plan: Plan): SimulatedRun {
  const outcome = { status: 'succeeded' as const, outputs: { value: 1 } };
  return simulate({ plan, slots: () => 200, perform: () => ({ durationMs: 1_000, outcome }) });
}

function elements(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Layers of a hundred, each action with three inputs from the layer before. */
function layered(count: number): Plan {
  const width = 100;
  const upstream = (index: number, input: number) => index - (index % width) - width + ((index + input * 37) % width);
  return workflow({
    actions: elements(count).map((index) =>
      action(`a${index}`, {
        inputs: Object.fromEntries(
          index < width ? [] : [0, 1, 2].map((input) => [`x${input}`, ref(`a${upstream(index, input)}.value`)]),
        ),
      }),
    ),
  });
}

describe('a run of 100,000 executions', () => {
  it('goes through a DAG of as many actions, each after all that it reads', () => {
    const plan = layered(executions);
    const { status, timeline } = run(plan);
    expect(status).toBe('succeeded');
    expect(timeline).toHaveLength(executions);
    const endedAt = new Map(timeline.map(({ entry, endedAt }) => [entry.number, endedAt]));
    const early = timeline.filter(({ entry, startedAt }) =>
      entry.dependencies.some((number) => (endedAt.get(number) ?? Infinity) > startedAt),
    );
    expect(early).toEqual([]);
  });

  it('goes through a for_each over as many elements, and gathers them in order', () => {
    const plan = workflow({
      actions: [
        action('each', { forEach: literal(elements(executions)), inputs: { item: ref('item') } }),
        action('join', { inputs: { all: ref('each') } }),
      ],
    });
    const { status, timeline, makespanMs } = run(plan);
    expect(status).toBe('succeeded');
    expect(timeline).toHaveLength(executions + 1);
    expect(makespanMs).toBe((executions / 200) * 1_000 + 1_000);
  });

  it('goes through a group of two actions for half as many elements, and is the same from its snapshot', () => {
    const plan = workflow({
      actions: [
        group('each', {
          forEach: literal(elements(executions / 2)),
          actions: [
            action('one', { inputs: { item: ref('item') } }),
            action('two', { inputs: { value: ref('one.value') } }),
          ],
          outputs: { value: ref('two.value') },
        }),
      ],
    });
    const { status, state } = run(plan);
    expect(status).toBe('succeeded');
    expect(state.counts.succeeded).toBe(executions);
    const text = JSON.stringify(snapshot(state));
    expect(JSON.stringify(snapshot(restore(plan, JSON.parse(text)))) === text).toBe(true);
  });

  it('is cancelled as one, however much of it has not begun', () => {
    const plan = layered(executions);
    const command = { run_id: 'simulated', reason: 'enough', force: false, requested_by: null };
    const messages = [{ at: 1_500, message: { type: 'cancel' as const, command } }];
    const outcome = { status: 'succeeded' as const, outputs: { value: 1 } };
    const cancelled = simulate({ plan, slots: () => 200, perform: () => ({ durationMs: 1_000, outcome }), messages });
    expect(cancelled).toMatchObject({ status: 'cancelled', eventCount: 403 });
    expect(cancelled.state.counts).toEqual({ succeeded: 100, failed: 0, skipped: 0, cancelled: executions - 100 });
  });
});
