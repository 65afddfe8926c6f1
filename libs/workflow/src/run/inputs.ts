import type { Fault, IoDeclaration, JsonObject } from '@ryax/contracts';
import type { Plan } from '../definition/plan';
import { evaluateFields, viewpointOf, type Evaluator } from './evaluation';
import { chain, fault, value, type Evaluated } from './needs';
import type { Instance } from './state';

/** An execution's inputs, made of what is upstream and checked against the action's declarations. */
export function evaluateInputs(evaluator: Evaluator, instance: Instance): Evaluated<JsonObject> {
  const { inputs } = instance.entry;
  const values = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
  return chain(evaluateFields(evaluator, values, viewpointOf(instance)), (found) => checkedInputs(instance, found));
}

function checkedInputs({ entry }: Instance, found: JsonObject): Evaluated<JsonObject> {
  for (const [name, { declaration }] of Object.entries(entry.inputs)) {
    if (declaration !== null && isMissing(found, declaration)) return fault(`${name}: expected a value, found nothing`);
  }
  return value(found);
}

/** A required output of a succeeded attempt that is not there; undefined when all are. */
export function missingOutput(declarations: readonly IoDeclaration[] | null, outputs: JsonObject): string | undefined {
  return declarations?.find((declaration) => isMissing(outputs, declaration))?.name;
}

function isMissing(values: JsonObject, { name, optional, default_value }: IoDeclaration): boolean {
  return optional !== true && (default_value ?? null) === null && (values[name] ?? null) === null;
}

export type CheckedInputs =
  | { readonly type: 'inputs'; readonly inputs: JsonObject }
  | { readonly type: 'faults'; readonly faults: readonly Fault[] };

/** What a run is started with, with the trigger's default values where nothing was given. */
export function triggerInputs(plan: Plan, given: JsonObject): CheckedInputs {
  const inputs: JsonObject = { ...given };
  const faults: Fault[] = [];
  for (const declaration of plan.triggerOutputs) {
    const { name, default_value } = declaration;
    if (default_value !== undefined && (inputs[name] ?? null) === null) inputs[name] = default_value;
    if (isMissing(inputs, declaration)) faults.push({ path: `inputs.${name}`, reason: 'expected a value, found nothing' });
  }
  return faults.length > 0 ? { type: 'faults', faults } : { type: 'inputs', inputs };
}
