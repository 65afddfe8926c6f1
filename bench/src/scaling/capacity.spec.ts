import { simulateCapacity, type Capacity } from './capacity';
import { Pipeline } from './pipeline';
import { apart, oneMachine, scales, sliceOf, withNumbers, type Deployment, type Load, type Scenario } from './scenario';
import { randomFrom, Simulation } from './simulation';
import { costsWith } from './unit-costs';
import { judge } from './verdict';

/** Nothing here waits: it computes, which takes as long as the machine is busy with other things. */
jest.setTimeout(120_000);

const costs = costsWith();
const extent = { steps: 10_000, leastS: 1, mostS: 3 };
const [first] = scales;
if (first === undefined) throw new Error('Expected scales, found none');
const base = first.load;

function scenario(load: Partial<Load>, deployment: Partial<Deployment> = {}): Scenario {
  return { name: 'spec', load: { ...base, ...load }, deployment: { ...apart, ...deployment } };
}

function utilisation({ parts }: Capacity, part: string): number {
  return parts.find((use) => use.part === part)?.utilisation ?? Number.NaN;
}

describe('the model of the engine', () => {
  it.each([
    { executionsPerRun: 3, width: 1 },
    { executionsPerRun: 50, width: 8 },
    { executionsPerRun: 5, width: 9 },
  ])('loses and invents nothing: $executionsPerRun executions, $width at once', ({ executionsPerRun, width }) => {
    const simulation = new Simulation();
    const pipeline = new Pipeline(simulation, scenario({ executionsPerRun, width }), costs, randomFrom(1));
    const runs = 40;
    for (let run = 0; run < runs; run++) pipeline.ask();
    simulation.runUntil(60);
    const executions = runs * executionsPerRun;
    const events = 2 * runs + 2 * executions;
    expect(pipeline.counts).toEqual({
      asked: runs,
      startedRuns: runs,
      endedRuns: runs,
      scheduled: executions,
      ended: executions,
    });
    expect(pipeline.logs.map((log) => log.events)).toEqual([events]);
    expect(pipeline.stores.map(({ projections, relay }) => [projections.handled, relay.handled])).toEqual([
      [events, events],
    ]);
  });

  it('shares the events of a log among those that follow it', () => {
    const simulation = new Simulation();
    const pipeline = new Pipeline(simulation, scenario({}, { projectionShards: 3 }), costs, randomFrom(1));
    for (let run = 0; run < 60; run++) pipeline.ask();
    simulation.runUntil(60);
    const handled = pipeline.stores.map(({ relay }) => relay.handled);
    expect(handled.reduce((sum, events) => sum + events, 0)).toBe(60 * 8);
    expect(Math.max(...handled) - Math.min(...handled)).toBeLessThanOrEqual(1);
  });

  it('reaches what is asked while all of it fits, and is then as busy as the work says', () => {
    const capacity = simulateCapacity(scenario({ stepsPerS: 900 }), costs, { ...extent, steps: 20_000, mostS: 20 });
    const { reachedStepsPerS } = capacity;
    expect(reachedStepsPerS / 900).toBeCloseTo(1, 1);
    const work = (reachedStepsPerS / base.executionsPerRun) * (costs.intakeUsPerRun / 1e6);
    expect(utilisation(capacity, 'intake') / work).toBeCloseTo(1, 1);
  });

  it('is never less busy, nor faster, under more load', () => {
    const loads = [250, 500, 1_000, 2_000, 4_000, 8_000];
    const capacities = loads.map((stepsPerS) => simulateCapacity(scenario({ stepsPerS }), costs, extent));
    const noise = 0.03;
    for (const part of ['intake', 'runner thread', 'runner turns', 'log database', 'broker nodes', 'relay']) {
      const used = capacities.map((capacity) => utilisation(capacity, part));
      used.slice(1).forEach((value, index) => expect(value).toBeGreaterThanOrEqual((used[index] ?? 0) - noise));
    }
    const reached = capacities.map(({ reachedStepsPerS }) => reachedStepsPerS);
    reached.slice(1).forEach((value, index) => expect(value).toBeGreaterThanOrEqual(0.97 * (reached[index] ?? 0)));
  });

  it('takes what waits: turns grow with the load up to their bound, and never wait to be filled', () => {
    const [idle, busy, full] = [50, 2_000, 20_000].map((stepsPerS) =>
      simulateCapacity(scenario({ stepsPerS }), costs, extent),
    );
    expect(idle?.itemsPerTurn).toBeLessThan(1.2);
    expect(busy?.itemsPerTurn).toBeGreaterThan(2);
    expect(full?.itemsPerTurn).toBeGreaterThan(0.9 * costs.runnerBatchItems);
    expect(full?.itemsPerTurn).toBeLessThanOrEqual(costs.runnerBatchItems);
  });

  it('fills turns as the closed form says, where nothing else costs time', () => {
    // A turn of fixed cost F and v an item, at a rate of a items: B = a F / (1 - a v).
    const only = costsWith({
      ...Object.fromEntries(Object.entries(costs).map(([name, value]) => [name, name.endsWith('Us') ? 0 : value])),
      intakeUsPerRun: 0,
      runnerUsPerMessage: 0,
      appendUsPerBatch: 0,
      appendUsPerEvent: 0,
      brokerUsPerMessage: 0,
      brokerUsPerItem: 0,
      queueUsPerMessage: 0,
      walBytesPerEvent: 0,
      executorUsPerMessage: 0,
      executorUsPerItem: 0,
      runnerUsPerCycle: 10_000,
      runnerUsPerItem: 500,
    });
    // Runs of one action that takes a while: starts and ends come independently.
    const load = { stepsPerS: 600, executionsPerRun: 1, serviceMs: 500, eventBytes: 0 };
    const { itemsPerTurn } = simulateCapacity(scenario(load, { slotsPerExecutor: 10_000 }), only, extent);
    const items = 1_200;
    const expected = (items * 0.01) / (1 - items * 0.0005);
    expect(itemsPerTurn / expected).toBeGreaterThan(0.9);
    expect(itemsPerTurn / expected).toBeLessThan(1.1);
  });

  it('gives one run one runner, however many there are', () => {
    const alone = { executionsPerRun: 1e9, width: 100, runsAtOnce: 1, stepsPerS: 1e6 };
    const [one, many] = [1, 8].map((runners) =>
      simulateCapacity(scenario(alone, { runners, partitions: 16 }), costs, { steps: 0, leastS: 2, mostS: 2 }),
    );
    expect((many?.reachedStepsPerS ?? 0) / (one?.reachedStepsPerS ?? 1)).toBeCloseTo(1, 1);
  });

  it('says that the API server gives way first where each execution is a pod', () => {
    const { first: part, isCarried } = judge(
      scenario({ stepsPerS: 300, serviceMs: 500 }, { podsPerStep: 1, slotsPerExecutor: 1_000 }),
      costs,
    );
    expect(part.part).toBe('Kubernetes API');
    expect(part.carriesStepsPerS / costs.podsPerS).toBeGreaterThan(0.8);
    expect(part.carriesStepsPerS / costs.podsPerS).toBeLessThan(1.2);
    expect(isCarried).toBe(false);
  });

  it('says that the relay falls behind where its messages cost most', () => {
    const { relay, projections } = simulateCapacity(
      scenario({ stepsPerS: 1_000 }),
      costsWith({ relayUsPerEvent: 900 }),
      extent,
    );
    expect(relay.keepsUp).toBeLessThan(0.6);
    expect(relay.lagMs.p99).toBeGreaterThan(500);
    expect(projections.keepsUp).toBeGreaterThan(0);
  });

  it('lets all share the cores of one machine', () => {
    const capacity = simulateCapacity(scenario({ stepsPerS: 10_000 }, oneMachine), costs, extent);
    expect(utilisation(capacity, 'cores of the machine')).toBeGreaterThan(0.9);
    expect(utilisation(capacity, 'cores of the machine')).toBeLessThanOrEqual(1.000001);
  });
});

describe('a scenario', () => {
  it('is simulated by one of its equal slices', () => {
    const eight = scenario({ stepsPerS: 8_000 }, { ...multiplied(8), partitions: 128 });
    const { slices, slice } = sliceOf(eight);
    expect(slices).toBe(8);
    expect(slice.load.stepsPerS).toBe(1_000);
    expect(slice.deployment).toEqual({ ...apart, partitions: 16 });
    expect(simulateCapacity(eight, costs, extent).reachedStepsPerS).toBeCloseTo(
      8 * simulateCapacity(slice, costs, extent).reachedStepsPerS,
      6,
    );
  });

  it('carries every load of the scales that it is meant to carry', () => {
    for (const each of scales.filter(({ name }) => name.endsWith('scaled'))) {
      const { reachedStepsPerS } = simulateCapacity(each, costs, { steps: 10_000, leastS: 0.5, mostS: 2 });
      expect(reachedStepsPerS / each.load.stepsPerS).toBeGreaterThan(0.95);
    }
  });

  it('takes numbers by name, and says what it expected', () => {
    expect(withNumbers(first, { runners: 4, stepsPerS: 5 }).deployment.runners).toBe(4);
    expect(() => withNumbers(first, { runner: 4 })).toThrow(/Expected one of stepsPerS, .*runners.*, found runner/);
    expect(() => withNumbers(first, { runners: 0 })).toThrow('Expected runners to be 1 or more, found 0');
    expect(() => withNumbers(first, { logShards: 2 })).toThrow(
      'Expected runners to be at least logShards (2), found 1',
    );
    expect(() => costsWith({ flushUs: Number.NaN })).toThrow('Expected flushUs to be a number from 0 on, found NaN');
    expect(() => costsWith({ flush: 1 })).toThrow(/Expected one of .*flushUs.*, found flush/);
  });
});

function multiplied(by: number): Partial<Deployment> {
  return {
    intakes: by,
    runners: by,
    logShards: by,
    projectionShards: by,
    brokers: by,
    sites: by,
    executors: by,
  };
}
