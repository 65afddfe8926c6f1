import { simulateCapacity } from './capacity';
import { Pipeline } from './pipeline';
import { apart, scales, type Deployment, type Load, type Scenario } from './scenario';
import { randomFrom, Simulation } from './simulation';
import { costsWith } from './unit-costs';

/** Nothing here waits: it computes, which takes as long as the machine is busy with other things. */
jest.setTimeout(120_000);

const [first] = scales;
if (first === undefined) throw new Error('Expected scales, found none');
const base = first.load;

function scenario(load: Partial<Load>, deployment: Partial<Deployment>): Scenario {
  return { name: 'spec', load: { ...base, ...load }, deployment: { ...apart, ...deployment } };
}

/** Messages of one run but for its request, the answer and what is relayed. */
function messagesOfARun(load: Partial<Load>, deployment: Partial<Deployment>): number {
  const simulation = new Simulation();
  const pipeline = new Pipeline(simulation, scenario(load, deployment), costsWith(), randomFrom(1));
  pipeline.ask();
  simulation.runUntil(10);
  const relayed = pipeline.logs.reduce((sum, log) => sum + log.events, 0);
  return pipeline.broker.messages - relayed - 2;
}

describe('starts', () => {
  const endless = 1e9;

  it.each([
    { starts: 3, executors: 8, messages: 3 },
    { starts: 40, executors: 4, messages: 4 },
    { starts: 200, executors: 2, messages: 4 },
  ])('$starts of a turn for $executors executors are $messages messages', ({ starts, executors, messages }) => {
    const load = { executionsPerRun: starts, width: starts, serviceMs: endless };
    expect(messagesOfARun(load, { executors, slotsPerExecutor: starts })).toBe(messages);
  });

  it('have no queue that all of them go through', () => {
    const costs = costsWith({ queueUsPerMessage: 500 });
    const many = { intakes: 4, runners: 4, partitions: 64, projectionShards: 64, executors: 8 };
    const extent = { steps: 10_000, leastS: 1, mostS: 3 };
    const { parts, reachedStepsPerS } = simulateCapacity(scenario({ stepsPerS: 3_000 }, many), costs, extent);
    expect(reachedStepsPerS / 3_000).toBeGreaterThan(0.95);
    expect(parts.find(({ part }) => part === 'broker, busiest queue')?.utilisation).toBeLessThan(0.8);
  });
});

describe('answers', () => {
  it('go to each intake by itself: no queue takes those of all', () => {
    const costs = costsWith({ queueUsPerMessage: 1_000 });
    const many = { intakes: 8, runners: 8, partitions: 256, projectionShards: 64, executors: 32 };
    const extent = { steps: 10_000, leastS: 1, mostS: 3 };
    const load = { stepsPerS: 2_000, executionsPerRun: 1 };
    const { parts } = simulateCapacity(scenario(load, many), costs, extent);
    expect(parts.find(({ part }) => part === 'broker, busiest queue')?.utilisation).toBeLessThan(0.8);
  });
});

describe('what is settled', () => {
  it('is told once for all turns of a while', () => {
    const executions = 30;
    const settled = messagesOfARun({ executionsPerRun: executions, width: 1 }, {}) - 2 * executions;
    expect(settled).toBeGreaterThan(0);
    expect(settled).toBeLessThan(executions / 5);
  });
});
