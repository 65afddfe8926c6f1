import { simulateCapacity, type Capacity, type PartUse } from './capacity';
import type { Scenario } from './scenario';
import type { Costs } from './unit-costs';

export interface PartVerdict extends PartUse {
  /** Of what it carries when everything is full. Above 1: so many times too little. */
  readonly needed: number;
}

/** What a deployment makes of a load, and of as much as it can get. */
export interface Verdict {
  readonly atLoad: Capacity;
  readonly full: Capacity;
  readonly parts: readonly PartVerdict[];
  /** The part that holds up the load, or will do so first as it grows. */
  readonly first: PartVerdict;
  readonly isCarried: boolean;
}

/** More than any runner decides, for each of them. */
const tooManyStepsPerRunner = 20_000;
const carriedFrom = 0.97;
const fullFrom = 0.98;
/** What takes more at a time under load, so that being busy does not mean being full. */
const growing: ReadonlySet<string> = new Set(['runner turns', 'log disk', 'projections', 'relay']);

/**
 * Simulates the load, and once more the same runs as fast as they are taken. How busy a part is under a small load says little of
 * what it carries: batches grow with load, and cost less for each of their items. What a step costs when all is full does.
 */
export function judge(scenario: Scenario, costs: Costs): Verdict {
  const { load, deployment } = scenario;
  const atLoad = simulateCapacity(scenario, costs);
  const stepsPerS = Math.max(load.stepsPerS, tooManyStepsPerRunner * deployment.runners);
  const full = simulateCapacity({ ...scenario, load: { ...load, stepsPerS } }, costs);
  const carries = new Map(full.parts.map(({ part, carriesStepsPerS }) => [part, carriesStepsPerS]));
  const parts = atLoad.parts.map((use) => {
    const carriesStepsPerS = carries.get(use.part) ?? Infinity;
    return { ...use, carriesStepsPerS, needed: load.stepsPerS / carriesStepsPerS };
  });
  const isCarried = atLoad.reachedStepsPerS >= carriedFrom * load.stepsPerS;
  return { atLoad, full, parts, first: firstToGiveWay(parts, isCarried), isCarried };
}

/**
 * Where the load is not carried, what is full under it. Turns and flushes may follow each other without a pause and yet take more
 * with each: of them only the comparison with full ones tells.
 */
function firstToGiveWay(parts: readonly PartVerdict[], isCarried: boolean): PartVerdict {
  const full = parts.filter(({ part, utilisation }) => !growing.has(part) && utilisation >= fullFrom);
  if (!isCarried && full.length > 0) {
    return full.reduce((fullest, part) => (part.utilisation > fullest.utilisation ? part : fullest));
  }
  return parts.reduce((fullest, part) => (part.needed > fullest.needed ? part : fullest));
}
