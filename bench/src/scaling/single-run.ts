import type * as Workflow from '@ryax/workflow';
import { chain, fan, layers, type Graph } from '../definitions';
import { simulateCapacity, type Capacity } from './capacity';
import type { Deployment } from './scenario';
import type { Costs } from './unit-costs';

/** What the workflow library tells of a definition. */
export type WorkflowLibrary = Pick<typeof Workflow, 'simulate' | 'validateDefinition' | 'actionReferences'>;

export interface RunShape {
  readonly name: string;
  readonly executions: number;
  readonly events: number;
  /** Executions of its longest path: steps that cannot be done at the same time. */
  readonly depth: number;
  /** Executions that may be under way at once, on average. */
  readonly width: number;
}

export interface SingleRun {
  readonly shape: RunShape;
  /** On a deployment that does nothing else. */
  readonly capacity: Capacity;
  readonly seconds: number;
}

/** The shape of a run, by driving the real aggregate with executions of one second each and slots for all of them. */
export function shapeOf(name: string, { definition, parents }: Graph, library: WorkflowLibrary): RunShape {
  const { simulate, validateDefinition } = library;
  const validation = validateDefinition(definition, new Map());
  if (!validation.ok)
    throw new Error(`Expected ${name} to be a definition, found ${JSON.stringify(validation.faults)}`);
  const second = 1_000;
  const { makespanMs, eventCount, status } = simulate({
    plan: validation.plan,
    slots: () => parents.size,
    perform: () => ({ durationMs: second, outcome: { status: 'succeeded', outputs: { step: 1 } } }),
  });
  if (status !== 'succeeded') throw new Error(`Expected ${name} to succeed, found it ${status}`);
  const depth = Math.round(makespanMs / second);
  return { name, executions: parents.size, events: eventCount, depth, width: Math.round(parents.size / depth) };
}

export function knownShapes(library: WorkflowLibrary): RunShape[] {
  return [
    shapeOf('chain of 1,000', chain('shape', 1_000, 'noop'), library),
    shapeOf('1 to 1,000 to 1', fan('shape', 1_000, 'noop'), library),
    shapeOf('10,000 in layers of 10', layers('shape', 10_000, 10), library),
    shapeOf('10,000 in layers of 100', layers('shape', 10_000, 100), library),
    shapeOf('10,000 in layers of 1,000', layers('shape', 10_000, 1_000), library),
  ];
}

/** One run alone: however many runners there are, one partition of one of them carries all of it. */
export function simulateSingleRun(shape: RunShape, deployment: Deployment, costs: Costs): SingleRun {
  const load = {
    stepsPerS: 1e6,
    executionsPerRun: 1e9,
    width: shape.width,
    serviceMs: 0,
    eventBytes: 350,
    runsAtOnce: 1,
  };
  const scenario = { name: shape.name, load, deployment };
  const capacity = simulateCapacity(scenario, costs, { steps: 0, leastS: 2, mostS: 2 });
  return { shape, capacity, seconds: shape.executions / capacity.reachedStepsPerS };
}
