import type { JsonObject } from '@ryax/contracts';
import type { Expression, Plan, PlanEntry, PlanValue } from '../definition/plan';

/** How many elements a `for_each` will have, and whether that is known or only assumed. */
export interface AssumedCount {
  readonly count: number;
  readonly isKnown: boolean;
}

/**
 * How many elements, as far as the definition and the run's inputs tell. What only an action's outputs will tell is
 * taken from earlier runs, or is one.
 */
export function assumeCount(entry: PlanEntry, inputs: JsonObject, earlier: number | undefined): AssumedCount {
  const list = entry.forEach === null ? undefined : knownList(entry.forEach.in, inputs);
  return list === undefined ? { count: earlier ?? 1, isKnown: false } : { count: list, isKnown: true };
}

function knownList(from: PlanValue, inputs: JsonObject): number | undefined {
  switch (from.type) {
    case 'literal':
      return Array.isArray(from.value) ? from.value.length : undefined;
    case 'list':
      return from.items.length;
    case 'object':
      return undefined;
    case 'expression':
      return lengthFromInputs(from.expression, inputs);
    default:
      return from satisfies never;
  }
}

function lengthFromInputs(expression: Expression, inputs: JsonObject): number | undefined {
  if (!readsOnlyInputs(expression)) return undefined;
  const [, name = '', ...deeper] = expression.path ?? [];
  if (expression.path !== null) {
    const list = deeper.length === 0 ? inputs[name] : undefined;
    return Array.isArray(list) ? list.length : undefined;
  }
  const evaluation = expression.evaluate({ trigger: inputs });
  return evaluation.ok && Array.isArray(evaluation.value) ? evaluation.value.length : undefined;
}

function readsOnlyInputs({ references }: Expression): boolean {
  return references.every(([root]) => root === 'trigger');
}

/**
 * The same DAG with everything taken out of it that depends on what actions give back: lists have their assumed
 * length, conditions that need such values are met, and nothing is passed on.
 */
export function assumedPlan(plan: Plan, inputs: JsonObject, count: (entry: PlanEntry) => number): Plan {
  const entries = plan.entries.map((entry) => assumedEntry(entry, count));
  const triggerOutputs = Object.keys(inputs).map((name) => ({ name, type: 'json' as const }));
  const entryById = new Map(entries.map((entry) => [entry.id, entry]));
  return { ...plan, results: {}, timeoutMs: null, triggerOutputs, entries, entryById };
}

function assumedEntry(entry: PlanEntry, count: (entry: PlanEntry) => number): PlanEntry {
  return {
    ...entry,
    when: entry.when !== null && readsOnlyInputs(entry.when) ? entry.when : null,
    forEach: entry.forEach === null ? null : { ...entry.forEach, in: listOfLength(count(entry)) },
    inputs: {},
    outputs: null,
    groupOutputs: {},
    timeoutMs: null,
  };
}

function listOfLength(length: number): PlanValue {
  return { type: 'literal', value: new Array<null>(length).fill(null) };
}
