import type { JsonObject } from '@ryax/contracts';
import type { Plan, PlanEntry } from '../definition/plan';
import { triggerInputs } from '../run/inputs';
import { assumeCount, assumedPlan, type AssumedCount } from './assumed-plan';
import { simulate, type SimulatedTask } from './simulate';
import { scheduleBounds, workAndSpan } from './work-and-span';

/** How long executions of an action took in earlier runs. */
export interface ObservedDuration {
  readonly meanMs: number;
  /** Standard deviation. */
  readonly deviationMs: number;
}

export interface EstimateBasis {
  readonly inputs: JsonObject;
  readonly slots: (pool: string) => number;
  /** Undefined for an action that was never seen. */
  readonly observed: (entry: PlanEntry) => ObservedDuration | undefined;
  /** Elements that a `for_each` had in earlier runs; undefined when there were none. */
  readonly earlierCount?: (entry: PlanEntry) => number | undefined;
}

export interface Estimate {
  readonly duration_ms: number;
  /** A likely range: with every action shorter or longer than its mean by its deviation. */
  readonly range_ms: readonly [least: number, most: number];
  /** 0 to 1: the share of the executions whose duration was seen before, in collections whose size is known. */
  readonly confidence: number;
  /** In words. */
  readonly basis: string;
}

/** Larger plans are not simulated: their bounds are as good, and deciding 100,000 times takes seconds. */
const SIMULATED_EXECUTIONS = 1_000;
/** Of an action that was never seen and declares no time. */
const UNKNOWN_DURATION_MS = 1_000;

/** When a run of this plan would end if nothing failed and nothing else were running. */
export function estimateCompletion(plan: Plan, { inputs: given, ...rest }: EstimateBasis): Estimate {
  const checked = triggerInputs(plan, given);
  const basis = { ...rest, inputs: checked.type === 'inputs' ? checked.inputs : given };
  const counts = new Map(plan.entries.map((entry) => [entry.number, countOf(entry, basis)]));
  const count = ({ number }: PlanEntry) => counts.get(number)?.count ?? 1;
  const durationMs = (sign: -1 | 0 | 1) => (entry: PlanEntry) => expectedMs(entry, basis, sign);
  const costs = workAndSpan(plan, { count, durationMs: durationMs(0) });
  const isSimulated = costs.executions <= SIMULATED_EXECUTIONS;
  const assumed = isSimulated ? assumedPlan(plan, basis.inputs, count) : plan;
  const makespan = (sign: -1 | 0 | 1) => {
    const duration = durationMs(sign);
    if (isSimulated) return simulatedMs(assumed, basis, (number) => originalMs(plan, number, duration));
    const [least, most] = scheduleBounds(workAndSpan(plan, { count, durationMs: duration }), basis.slots);
    return (least + most) / 2;
  };
  const { confidence, words } = certainty(plan, basis, counts);
  return {
    duration_ms: Math.round(makespan(0)),
    range_ms: [Math.round(makespan(-1)), Math.round(makespan(1))],
    confidence,
    basis: `${isSimulated ? 'simulated' : 'from work and critical path'}; ${words}`,
  };
}

function simulatedMs(plan: Plan, basis: EstimateBasis, durationMs: (entryNumber: number) => number): number {
  const outcome = { status: 'succeeded' as const, outputs: {} };
  const perform = ({ entry }: SimulatedTask) => ({ durationMs: durationMs(entry.number), outcome });
  const slots = (pool: string) => Math.max(1, basis.slots(pool));
  return simulate({ plan, inputs: basis.inputs, slots, perform }).makespanMs;
}

/** What an entry takes may stand in its inputs, which the assumed plan has not. */
function originalMs(plan: Plan, entryNumber: number, durationMs: (entry: PlanEntry) => number): number {
  const entry = plan.entries[entryNumber];
  return entry === undefined ? 0 : durationMs(entry);
}

function countOf(entry: PlanEntry, { inputs, earlierCount }: EstimateBasis): AssumedCount {
  return entry.forEach === null ? { count: 1, isKnown: true } : assumeCount(entry, inputs, earlierCount?.(entry));
}

function expectedMs(entry: PlanEntry, { observed }: EstimateBasis, sign: -1 | 0 | 1): number {
  const known = knownMs(entry);
  if (known !== undefined) return known;
  const seen = observed(entry);
  if (seen !== undefined) return Math.max(0, seen.meanMs + sign * seen.deviationMs);
  return entry.resources.time_ms ?? UNKNOWN_DURATION_MS;
}

/** What a built-in takes is no question of experience. */
function knownMs({ action, inputs }: PlanEntry): number | undefined {
  if (action?.type !== 'builtin') return undefined;
  if (action.name === 'noop') return 0;
  const seconds = inputs.seconds?.value;
  return seconds?.type === 'literal' && typeof seconds.value === 'number' ? seconds.value * 1_000 : undefined;
}

/** Each entry weighs as many executions as it is expected to have. */
function certainty(plan: Plan, basis: EstimateBasis, counts: ReadonlyMap<number, AssumedCount>) {
  let executions = 0;
  let certain = 0;
  let unseen = 0;
  for (const entry of plan.entries) {
    if (entry.kind === 'group') continue;
    const { times, isKnown } = timesOf(plan, entry, counts);
    const isSeen = knownMs(entry) !== undefined || basis.observed(entry) !== undefined;
    executions += times;
    if (isSeen && isKnown) certain += times;
    if (!isSeen) unseen++;
  }
  const guessed = [...counts.values()].filter(({ isKnown }) => !isKnown).length;
  const words = [
    unseen === 0 ? 'durations of earlier runs' : `${unseen} actions without an earlier duration`,
    ...(guessed === 0 ? [] : [`${guessed} lists of assumed length`]),
  ];
  return { confidence: executions === 0 ? 1 : certain / executions, words: words.join(', ') };
}

/** How often an entry is executed: once for each element of every `for_each` around it. */
function timesOf(
  plan: Plan,
  entry: PlanEntry,
  counts: ReadonlyMap<number, AssumedCount>,
): { times: number; isKnown: boolean } {
  let times = 1;
  let isKnown = true;
  for (let each: PlanEntry | undefined = entry; each !== undefined; each = plan.entries[each.parent ?? -1]) {
    const assumed = counts.get(each.number);
    times *= assumed?.count ?? 1;
    isKnown &&= assumed?.isKnown ?? true;
  }
  return { times, isKnown };
}
