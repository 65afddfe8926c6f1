import { limits, type DeployedDefinition, type Fault, type PinnedAction } from '@ryax/contracts';
import { Compiler } from './compiler';
import { checkDeclarations } from './declarations';
import { Demands } from './demands';
import { readDrafts } from './entry-draft';
import { Faults } from './faults';
import { checkJson } from './json-bounds';
import { link } from './links';
import { orderScopes } from './order';
import { outline } from './outline';
import { at } from './place';
import type { Plan } from './plan';
import { readDuration } from './settings';
import { definitionOf, readShape, type DefinitionBounds, type Shape } from './shape';

export type Validation =
  | {
      readonly ok: true;
      readonly deployed: DeployedDefinition;
      readonly plan: Plan;
      readonly warnings: readonly Fault[];
    }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** `finally` ends even if nobody thinks of it. */
const defaultFinallyTimeoutMs = 600_000;

/**
 * Judges a definition as a whole and tells everything that is wrong with it.
 *
 * @param value what a YAML or JSON parser gave
 * @param actions what the definition's references mean, see {@link actionReferences}; those that are not there are
 * faults
 * @param bounds of this engine, where they are tighter than what its parts can bear
 */
export function validateDefinition(
  value: unknown,
  actions: ReadonlyMap<string, PinnedAction>,
  bounds: DefinitionBounds = limits,
): Validation {
  const faults = new Faults();
  const shape = checkJson(value, faults) ? readShape(value, faults, bounds) : undefined;
  if (shape === undefined) return { ok: false, faults: faults.list };
  const plan = compileShape(shape, actions, faults);
  if (!faults.isEmpty) return { ok: false, faults: faults.list };
  const used = [...actionReferences(value)].flatMap((reference) => {
    const pinned = actions.get(reference);
    return pinned === undefined ? [] : [[reference, pinned] as const];
  });
  return {
    ok: true,
    deployed: { definition: definitionOf(shape), actions: Object.fromEntries(used) },
    plan,
    warnings: faults.warnings,
  };
}

/** The plan of a definition that was accepted. What was accepted once is accepted for ever: anything else is our error. */
export function compilePlan({ definition, actions }: DeployedDefinition): Plan {
  const validation = validateDefinition(definition, new Map(Object.entries(actions)));
  if (validation.ok) return validation.plan;
  const [first] = validation.faults;
  throw new Error(`Expected an accepted definition, found a fault at ${first?.path ?? ''}: ${first?.reason ?? ''}`);
}

/**
 * Entries are numbered, then their values read, then linked by what these refer to, ordered, and compiled in that order.
 * Each step tells its faults and goes on with the rest, so that one answer holds them all.
 */
function compileShape(shape: Shape, actions: ReadonlyMap<string, PinnedAction>, faults: Faults): Plan {
  const { spec } = shape.head;
  const triggerOutputs = spec.trigger?.outputs ?? [];
  checkDeclarations(triggerOutputs, at(null, 'spec', 'trigger', 'outputs'), faults);
  const outlined = outline(shape, faults);
  const drafts = readDrafts(outlined, faults);
  const links = link(outlined, drafts, faults);
  const order = orderScopes(outlined, links, faults);
  const compiler = new Compiler(outlined, drafts, links, order, actions, new Demands(spec), faults);
  const main = compiler.scope(outlined.main);
  const last = compiler.scope(outlined.finally);
  return {
    workflowId: spec.id,
    triggerOutputs,
    entries: compiler.entries,
    entryById: new Map(compiler.entries.map((entry) => [entry.id, entry])),
    main,
    finally: last,
    results: compiler.results(),
    timeoutMs: readDuration(spec.timeout, at(null, 'spec', 'timeout'), faults),
    finallyTimeoutMs:
      readDuration(spec.finally_timeout, at(null, 'spec', 'finally_timeout'), faults) ?? defaultFinallyTimeoutMs,
  };
}

/**
 * What the `action:` of entries say, each once: what has to be looked up before a definition can be validated. Takes
 * anything: it is asked before the definition has been looked at.
 */
export function actionReferences(value: unknown): readonly string[] {
  const found = new Set<string>();
  const spec = fieldOf(value, 'spec');
  const waiting: unknown[] = [fieldOf(spec, 'actions'), fieldOf(spec, 'finally')];
  const seen = new Set<unknown>();
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (!Array.isArray(next) || seen.has(next)) continue;
    seen.add(next);
    for (const entry of next) {
      const action = fieldOf(entry, 'action');
      if (typeof action === 'string') found.add(action);
      waiting.push(fieldOf(entry, 'actions'));
    }
  }
  return [...found];
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
