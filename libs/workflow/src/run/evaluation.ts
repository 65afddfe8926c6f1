import {
  isTooDeep,
  isTooLarge,
  isValueReference,
  limits,
  tooDeep,
  tooLarge,
  type JsonObject,
  type JsonValue,
} from '@ryax/contracts';
import type { Expression, PlanValue } from '../definition/plan';
import { all, chain, collect, fault, load, value, type Evaluated } from './needs';
import { isEnded } from './phase';
import { open, openAlong, select } from './references';
import type { Need, ValueSource } from './run-aggregate';
import { elementAround, instanceInSight, stateOf, viewpointOf, type Viewpoint } from './sight';
import type { Collection, Instance, RunState } from './state';

/**
 * The values of expressions. A plain reference (`=split.regions`) is passed on as it is found; anything else is
 * evaluated over values with all their references opened.
 */
export interface Evaluator {
  readonly state: RunState;
  readonly values: ValueSource;
}

export function evaluate(evaluator: Evaluator, from: PlanValue, at: Viewpoint): Evaluated {
  switch (from.type) {
    case 'literal':
      return value(from.value);
    case 'expression':
      return evaluateExpression(evaluator, from.expression, at);
    case 'list':
      return all(from.items.map((item) => evaluate(evaluator, item, at)));
    case 'object':
      return each(from.fields, (field) => evaluate(evaluator, field, at));
    default:
      return from satisfies never;
  }
}

/** What a run makes: an execution's inputs, a group's outputs, the run's results. None is deeper or larger than a value may be. */
export function evaluateFields(
  evaluator: Evaluator,
  fields: Readonly<Record<string, PlanValue>>,
  at: Viewpoint,
): Evaluated<JsonObject> {
  return chain(
    each(fields, (from) => chain(evaluate(evaluator, from, at), bounded)),
    (made) => (isTooLarge(made) ? fault(largeBy(made)) : value(made)),
  );
}

/** What the engine walks by recursion: outputs of groups wrap one another, however little each of them adds. */
function bounded(found: JsonValue): Evaluated {
  return isTooDeep(found) ? fault(tooDeep) : value(found);
}

/** They are written out together; the one that is too large by itself is named. */
function largeBy(made: JsonObject): string {
  const name = Object.keys(made).find((key) => isTooLarge(made[key] ?? null));
  return name === undefined ? tooLarge : `${name}: ${tooLarge}`;
}

function each(
  fields: Readonly<Record<string, PlanValue>>,
  evaluateOne: (from: PlanValue) => Evaluated,
): Evaluated<JsonObject> {
  const names = Object.keys(fields);
  const parts = Object.entries(fields).map(([name, from]) => named(name, evaluateOne(from)));
  return chain(all(parts), (values) =>
    value(Object.fromEntries(names.map((name, index) => [name, values[index] ?? null]))),
  );
}

function named(name: string, evaluated: Evaluated): Evaluated {
  return evaluated.type === 'fault' ? fault(`${name}: ${evaluated.reason}`) : evaluated;
}

/** A plain reference takes its value as it is found, even where that only says where the value lies. */
function evaluateExpression(evaluator: Evaluator, expression: Expression, at: Viewpoint): Evaluated {
  return chain(scopeFor(evaluator, expression, at), (scope) => {
    const evaluation = expression.evaluate(scope);
    return evaluation.ok ? value(evaluation.value) : fault(`=${expression.source}: ${evaluation.reason}`);
  });
}

/** The values of the identifiers that an expression reads, opened as far as it reads them. */
function scopeFor(evaluator: Evaluator, expression: Expression, at: Viewpoint): Evaluated<JsonObject> {
  const scope: JsonObject = {};
  const needs: Need[] = [];
  for (const [root = '', ...keys] of expression.references) {
    const known = root === 'state' ? undefined : scope[root];
    const found = known === undefined ? readRoot(evaluator, root, keys[0], at) : value(known);
    const opened = expression.path === null ? chain(found, (from) => openAlong(from, keys, evaluator.values)) : found;
    if (opened.type === 'fault') return opened;
    if (opened.type === 'needs') collect(needs, opened.needs);
    else scope[root] = root === 'state' ? merged(scope[root], opened.value) : opened.value;
  }
  return needs.length > 0 ? { type: 'needs', needs } : value(scope);
}

function merged(before: JsonValue | undefined, more: JsonValue): JsonValue {
  return Object.assign({}, before, more);
}

function readRoot(evaluator: Evaluator, root: string, key: string | undefined, at: Viewpoint): Evaluated {
  const { state } = evaluator;
  switch (root) {
    case 'trigger':
      return load(state.start?.inputs ?? null, evaluator.values);
    case 'run':
      return value(runFacts(state));
    case 'state':
      return value(key === undefined ? {} : { [key]: stateOf(state, key, at.scope) });
    case 'item': {
      const element = elementAround(at);
      return element === null ? value(null) : itemOf(evaluator, element);
    }
    case 'index':
      return value(elementAround(at)?.index ?? null);
    default:
      return valueOf(evaluator, instanceInSight(state, root, at.scope));
  }
}

function runFacts({ start }: RunState): JsonObject {
  if (start === null) return {};
  const { run_id: id, workflow_id, workflow_version, labels } = start;
  return { id, workflow_id, workflow_version, labels };
}

/** What downstream sees of an instance: its outputs, a list of them for a collection, null for what has none. */
function valueOf(evaluator: Evaluator, instance: Instance | undefined): Evaluated {
  if (instance === undefined) return value(null);
  if (instance.inner?.type === 'collection') return collectedValues(evaluator, instance.inner);
  return instance.phase === 'succeeded' ? load(instance.outputs, evaluator.values) : value(null);
}

/** In order, with null for each element that failed, was skipped or cancelled, or was never opened. */
function collectedValues(evaluator: Evaluator, collection: Collection): Evaluated {
  if (collection.values !== null) return value(collection.values);
  const { elements, count } = collection;
  const found = all(Array.from({ length: count }, (_, index) => valueOf(evaluator, elements[index])));
  if (found.type === 'value' && isKeepable(collection)) collection.values = found.value;
  return found;
}

/** It will not change, and nothing in it was loaded for the moment only. */
function isKeepable({ owner, elements }: Collection): boolean {
  return isEnded(owner.phase) && elements.every(({ outputs }) => typeof outputs !== 'number');
}

/** The element of the list that this element of the collection stands for. */
function itemOf(evaluator: Evaluator, element: Instance): Evaluated {
  const { parent, index } = element;
  if (parent.type === 'scope') return value(null);
  const from = listOf(parent.owner);
  const at = viewpointOf(parent.owner);
  // What it is made of may be an element of a collection around, which was made in the same way.
  if (from.type === 'list') return chain(evaluate(evaluator, from.items[index] ?? nothing, at), bounded);
  if (parent.items !== null) return value(parent.items[index] ?? null);
  return chain(evaluate(evaluator, from, at), (list) => {
    if (Array.isArray(list) && from.type === 'expression' && from.expression.path === null) parent.items = list;
    return value(select(list, [index]));
  });
}

const nothing: PlanValue = { type: 'literal', value: null };

function listOf(owner: Instance): PlanValue {
  return owner.entry.forEach?.in ?? nothing;
}

/** How many elements a collection will have. The list itself is only looked at when nothing else tells its length. */
export function countElements(evaluator: Evaluator, owner: Instance): Evaluated<number> {
  const from = listOf(owner);
  if (from.type === 'list') return checkedCount(from.items.length);
  return chain(evaluate(evaluator, from, viewpointOf(owner)), (list) => countOf(evaluator, list));
}

function countOf(evaluator: Evaluator, list: JsonValue): Evaluated<number> {
  if (Array.isArray(list)) return checkedCount(list.length);
  if (!isValueReference(list)) return fault(`expected a list, found ${describe(list)}`);
  if (list.count !== undefined) return checkedCount(list.count);
  return chain(open(list, evaluator.values), (opened) => countOf(evaluator, opened));
}

function checkedCount(count: number): Evaluated<number> {
  const most = limits.elementsPerCollection;
  return count <= most ? value(count) : fault(`expected at most ${most} elements, found ${count}`);
}

function describe(found: JsonValue): string {
  if (found === null) return 'nothing';
  return typeof found === 'object' ? 'an object' : `a ${typeof found}`;
}
