import * as fc from 'fast-check';
import { weighedHeights, type Heights } from '../definition/heights';
import type { Plan } from '../definition/plan';
import type { Lane } from '../placement';
import { findInstance } from './names';
import { firstReady, readyWork } from './queries';
import { restore, snapshot } from './snapshot';
import type { RunState } from './state';
import { planOf, planShape } from './testing/arbitrary-plan';
import { Chaos, steps } from './testing/chaos';
import { action, group, literal, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';

function restored(plan: Plan, state: RunState, heights?: Heights): RunState {
  return restore(plan, JSON.parse(JSON.stringify(snapshot(state))), heights);
}

/** What is ready by lane, in the order in which it would be handed out. */
function queues(state: RunState): Record<string, string[]> {
  const names = readyWork(state).map(({ demand: { lane } }): [string, string[]] => [
    lane.key,
    firstReady(state, lane, Infinity, () => true).map(({ execution }) => execution),
  ]);
  return Object.fromEntries(names.sort(([one], [other]) => one.localeCompare(other)));
}

describe('ready work of one run', () => {
  it('is handed out by the longest path before it, and of equal ones first come', () => {
    const plan = workflow({
      actions: [
        action('leaf'),
        action('other'),
        action('short'),
        action('long'),
        action('middle', { after: ['long'] }),
        action('end', { after: ['middle', 'short'] }),
      ],
    });
    expect(new RunDriver(plan).start().ready()).toEqual(['long', 'short', 'leaf', 'other']);
  });

  it('is handed out by the longest time before it where the times of its actions are known', () => {
    const plan = workflow({
      actions: [
        action('many'),
        action('quick', { after: ['many'] }),
        action('brief', { after: ['quick'] }),
        action('long'),
        group('g', { actions: [action('inside')], outputs: {} }),
        action('slow', { after: ['g'] }),
      ],
    });
    const times: Record<string, number> = { long: 50, slow: 100 };
    const heights = weighedHeights(plan, ({ id }) => times[id] ?? 1);
    const run = new RunDriver(plan, heights).start();
    expect(run.ready()).toEqual(['inside', 'long', 'many']);
    expect(queues(restored(plan, run.state, heights))).toEqual(queues(run.state));
    expect(queues(run.replayed())).toEqual(queues(run.state));
  });

  it('lets what became ready later, and has more before it, pass', () => {
    const plan = workflow({
      actions: [action('a'), action('b'), action('c', { after: ['a'] }), action('d', { after: ['c'] }), action('e')],
    });
    const run = new RunDriver(plan).start().handOut('a');
    expect(run.ready()).toEqual(['b', 'e']);
    expect(run.succeed('a').ready()).toEqual(['c', 'b', 'e']);
  });

  it('has one height for all elements of a list, and goes through them in order', () => {
    const plan = workflow({
      actions: [action('a'), action('list', { forEach: literal([1, 2, 3]) }), action('join', { after: ['list'] })],
    });
    expect(new RunDriver(plan).start().ready()).toEqual(['list.0', 'list.1', 'list.2', 'a']);
  });

  it('sees from inside a group what follows the group, so that elements are begun before others are ended', () => {
    const plan = workflow({
      actions: [
        action('chain'),
        action('link', { after: ['chain'] }),
        group('g', {
          forEach: literal([1, 2]),
          actions: [action('x'), action('y', { after: ['x'] })],
          outputs: {},
        }),
        action('last', { after: ['g'] }),
      ],
    });
    const run = new RunDriver(plan).start();
    expect(run.ready()).toEqual(['x.0', 'x.1', 'chain']);
    expect(run.run('x.0').ready()).toEqual(['x.1', 'chain', 'y.0']);
  });

  it('has its place back when it is a retry, whenever somebody wakes the run', () => {
    const plan = workflow({
      actions: [
        action('list', { forEach: literal([1, 2, 3, 4]), retry: { maxAttempts: 2 } }),
        action('low', { retry: { maxAttempts: 2 } }),
        action('join', { after: ['list'] }),
      ],
    });
    const run = new RunDriver(plan).start().handOut('list.0', 'list.1', 'low').fail('low').fail('list.1');
    expect(run.ready()).toEqual(['list.2', 'list.3']);
    run.wakeAt(run.now + 1_000);
    expect(run.ready()).toEqual(['list.1', 'list.2', 'list.3', 'low']);
    expect(queues(restored(plan, run.state))).toEqual(queues(run.state));
  });

  it('keeps its order when most of what was ready goes at once', () => {
    const elements = Array.from({ length: 500 }, (_, index) => index);
    const names = (id: string) => elements.map((index) => `${id}.${index}`);
    const plan = workflow({
      actions: [
        action('low', { forEach: literal(elements) }),
        action('high', { forEach: literal(elements) }),
        action('join', { after: ['high'] }),
      ],
    });
    const run = new RunDriver(plan).start();
    expect(run.ready()).toEqual([...names('high'), ...names('low')]);
    run.handOut(...names('low').slice(0, 450), ...names('high').slice(20, 480));
    const left = [...names('high').slice(0, 20), ...names('high').slice(480), ...names('low').slice(450)];
    expect(run.ready()).toEqual(left);
  });
});

describe('the hand-out of any run', () => {
  const slots = fc.integer({ min: 0, max: 6 });

  it('takes what is ready, each once, and nothing lower than what it leaves', () => {
    fc.assert(
      fc.property(planShape, steps, slots, (shape, what, limit) => {
        const chaos = new Chaos(new RunDriver(planOf(shape)).start());
        const { run } = chaos;
        const height = (execution: string) => findInstance(run.state, execution)?.entry.height ?? 0;
        for (const step of what) {
          chaos.apply(step);
          // What has run out of memory asks for more than the rest of its lane.
          const lanes = new Map<string, { readonly lane: Lane; readonly count: number }>();
          for (const { demand, count } of readyWork(run.state)) {
            const { lane } = demand;
            lanes.set(lane.key, { lane, count: count + (lanes.get(lane.key)?.count ?? 0) });
          }
          for (const { lane, count } of lanes.values()) {
            const first = (most: number) => firstReady(run.state, lane, most, () => true);
            const all = first(Infinity).map(({ execution }) => execution);
            const taken = first(limit).map(({ execution }) => execution);
            expect(taken).toEqual(all.slice(0, limit));
            expect(new Set(all).size).toBe(count);
            expect(all.every((execution) => findInstance(run.state, execution)?.phase === 'ready')).toBe(true);
            const lowest = Math.min(...taken.map(height));
            for (const left of all.slice(limit)) expect(height(left)).toBeLessThanOrEqual(lowest);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('has the same order live, from a snapshot and from the log', () => {
    fc.assert(
      fc.property(planShape, steps, fc.nat(), (shape, what, cut) => {
        const chaos = new Chaos(new RunDriver(planOf(shape)).start());
        const { run } = chaos;
        what.forEach((step, index) => {
          chaos.apply(step);
          if (index === cut % what.length) run.state = restored(run.plan, run.state);
        });
        run.wakeAt(run.now);
        expect(queues(restored(run.plan, run.state))).toEqual(queues(run.state));
        const folded = new RunDriver(run.plan);
        folded.state = run.replayed();
        folded.wakeAt(run.now);
        expect(queues(folded.state)).toEqual(queues(run.state));
      }),
      { numRuns: 200 },
    );
  });
});
