import type { Failure, Fault, IoDeclaration, JsonObject } from '@ryax/contracts';
import type { Plan, PlanEntry } from '../definition/plan';
import { checkInputs, isRequired } from '../definition/values';
import { evaluateFields, type Evaluator } from './evaluation';
import { chain, fault, value, type Evaluated } from './needs';
import { viewpointOf } from './sight';
import type { Instance } from './state';

/** An execution's inputs, made of what is upstream and as the action declares them. The same each time. */
export function evaluateInputs(evaluator: Evaluator, instance: Instance): Evaluated<JsonObject> {
  const { entry } = instance;
  const values = Object.fromEntries(Object.entries(entry.inputs).map(([name, input]) => [name, input.value]));
  return chain(evaluateFields(evaluator, values, viewpointOf(instance)), (found) => asDeclared(entry, found));
}

/** @param reason begins with the input's name */
export function invalidInputs(reason: string): Failure {
  return { kind: 'invalid', message: `inputs.${reason}` };
}

/** With defaults put in and texts converted; what is not declared is passed on as it is. */
function asDeclared({ inputs }: PlanEntry, found: JsonObject): Evaluated<JsonObject> {
  const declarations = Object.values(inputs).flatMap(({ declaration }) => declaration ?? []);
  if (declarations.length === 0) return value(found);
  const given = Object.entries(found).filter(([name]) => inputs[name]?.declaration !== null);
  const checked = checkInputs(declarations, Object.fromEntries(given));
  if (checked.ok) return value({ ...found, ...checked.value });
  return fault(checked.faults.map(({ path, reason }) => `${path}: ${reason}`).join('; '));
}

export type TriggerInputs =
  | { readonly type: 'inputs'; readonly inputs: JsonObject }
  | { readonly type: 'faults'; readonly faults: readonly Fault[] };

/** What a run is started with, with the trigger's default values where nothing was given. */
export function triggerInputs({ triggerOutputs }: Plan, given: JsonObject): TriggerInputs {
  const checked = checkInputs(triggerOutputs, given);
  if (checked.ok) return { type: 'inputs', inputs: checked.value };
  return { type: 'faults', faults: checked.faults.map(({ path, reason }) => ({ path: `inputs.${path}`, reason })) };
}

/**
 * A declared output of a succeeded attempt that is not there; undefined when all are. Executors have checked outputs
 * against their declarations already.
 */
export function missingOutput(declarations: readonly IoDeclaration[] | null, outputs: JsonObject): string | undefined {
  return declarations?.find((declaration) => isRequired(declaration) && isAbsent(declaration, outputs))?.name;
}

/** Only `json` has null among its values. */
function isAbsent({ name, type }: IoDeclaration, outputs: JsonObject): boolean {
  const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
  return output === undefined || (output === null && type !== 'json');
}
