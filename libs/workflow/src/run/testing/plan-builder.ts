import type { ActionToRun, Constraints, IoDeclaration, JsonObject, JsonValue, Resources } from '@ryax/contracts';
import { eachIsOne, heightsOf } from '../../definition/heights';
import type {
  Expression,
  ForEachPlan,
  Plan,
  PlanEntry,
  PlanInput,
  PlanValue,
  RetryPlan,
  ScopePlan,
} from '../../definition/plan';
import { demandOf, slotlessDemand } from '../../placement';
import { select } from '../references';

/** Builds plans by hand, so that specs of the run stand on their own. */
export interface EntryOptions {
  readonly after?: readonly string[];
  readonly when?: Expression;
  readonly forEach?: PlanValue | (Partial<Omit<ForEachPlan, 'in'>> & { readonly in: PlanValue });
  readonly onFailure?: 'fail' | 'continue';
  readonly timeoutMs?: number;
  readonly constraints?: Constraints;
  readonly resources?: Resources;
}

export interface ActionOptions extends EntryOptions {
  readonly inputs?: Readonly<Record<string, PlanValue>>;
  /** Names of inputs that may be missing. */
  readonly optional?: readonly string[];
  readonly outputs?: readonly IoDeclaration[];
  readonly retry?: Partial<RetryPlan>;
  readonly action?: ActionToRun;
}

export interface GroupOptions extends EntryOptions {
  readonly actions: readonly EntrySpec[];
  readonly outputs?: Readonly<Record<string, PlanValue>>;
}

export type EntrySpec =
  | { readonly kind: 'action'; readonly id: string; readonly options: ActionOptions }
  | { readonly kind: 'group'; readonly id: string; readonly options: GroupOptions };

export interface WorkflowOptions {
  readonly trigger?: readonly IoDeclaration[];
  readonly actions: readonly EntrySpec[];
  readonly finally?: readonly EntrySpec[];
  readonly results?: Readonly<Record<string, PlanValue>>;
  readonly timeoutMs?: number;
  readonly finallyTimeoutMs?: number;
}

export function action(id: string, options: ActionOptions = {}): EntrySpec {
  return { kind: 'action', id, options };
}

export function group(id: string, options: GroupOptions): EntrySpec {
  return { kind: 'group', id, options };
}

export function literal(value: JsonValue): PlanValue {
  return { type: 'literal', value };
}

/** A plain reference, such as `split.regions`. */
export function ref(path: string): PlanValue {
  const keys = path.split('.');
  const expression: Expression = {
    source: path,
    references: [keys],
    path: keys,
    evaluate: (scope) => ({ ok: true, value: select(scope, keys) }),
  };
  return { type: 'expression', expression };
}

/** A field of what a computed expression reads; null where it has none. */
export function field(scope: JsonObject, path: string): JsonValue {
  return select(scope, path.split('.'));
}

/** An expression that reads `references` and is computed by a function. Throwing is its way to be wrong. */
export function computed(references: readonly string[], compute: (scope: JsonObject) => JsonValue): Expression {
  return {
    source: `computed(${references.join(', ')})`,
    references: references.map((path) => path.split('.')),
    path: null,
    evaluate: (scope) => {
      try {
        return { ok: true, value: compute(scope) };
      } catch (error) {
        return { ok: false, reason: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

export function expression(of: Expression): PlanValue {
  return { type: 'expression', expression: of };
}

const noRetry: RetryPlan = {
  maxAttempts: 1,
  initialIntervalMs: 1_000,
  maxIntervalMs: 30_000,
  multiplier: 2,
  on: new Set(['crash', 'timeout', 'out-of-memory']),
};

type Draft = { -readonly [K in keyof PlanEntry]: PlanEntry[K] } & {
  dependencies: number[];
  dependents: number[];
  skipsWith: number[];
};

export function workflow(options: WorkflowOptions): Plan {
  const entries: Draft[] = [];
  const byId = new Map<string, Draft>();
  const main = addScope(options.actions, { parent: null, depth: 0, inFinally: false }, entries, byId);
  const last = addScope(options.finally ?? [], { parent: null, depth: 0, inFinally: true }, entries, byId);
  const link = { entries, byId };
  options.actions.forEach((spec) => connect(spec, link));
  (options.finally ?? []).forEach((spec) => connect(spec, link));
  setHeights(entries, [main, last]);
  const scopes = new Map<readonly number[], ScopePlan>();
  const finished = (numbers: readonly number[]) => finish(numbers, entries, scopes);
  for (const entry of entries) if (entry.content !== null) entry.content = finished(entry.content.entries);
  return {
    workflowId: 'w',
    triggerOutputs: options.trigger ?? [],
    entries,
    entryById: byId,
    main: finished(main),
    finally: finished(last),
    results: options.results ?? {},
    timeoutMs: options.timeoutMs ?? null,
    finallyTimeoutMs: options.finallyTimeoutMs ?? 600_000,
  };
}

interface Place {
  readonly parent: number | null;
  readonly depth: number;
  readonly inFinally: boolean;
}

interface Drafts {
  readonly entries: readonly Draft[];
  readonly byId: ReadonlyMap<string, Draft>;
}

function addScope(specs: readonly EntrySpec[], place: Place, entries: Draft[], byId: Map<string, Draft>): number[] {
  return specs.map((spec) => {
    const draft = draftOf(spec, place, entries.length);
    entries.push(draft);
    byId.set(spec.id, draft);
    if (spec.kind === 'group') {
      const inside = { parent: draft.number, depth: draft.depth, inFinally: place.inFinally };
      draft.content = { entries: addScope(spec.options.actions, inside, entries, byId), roots: [] };
    }
    return draft.number;
  });
}

function draftOf(spec: EntrySpec, place: Place, number: number): Draft {
  const { when = null, timeoutMs = null, onFailure = 'fail', constraints = {}, resources = {} } = spec.options;
  const forEach = forEachOf(spec.options);
  const isAction = spec.kind === 'action';
  return {
    number,
    id: spec.id,
    kind: spec.kind,
    parent: place.parent,
    inFinally: place.inFinally,
    depth: place.depth + (forEach === null ? 0 : 1),
    dependencies: [],
    dependents: [],
    height: 0,
    skipsWith: [],
    when,
    forEach,
    inputs: isAction ? inputsOf(spec.options) : {},
    outputs: isAction ? (spec.options.outputs ?? null) : null,
    groupOutputs: isAction ? {} : (spec.options.outputs ?? {}),
    content: null,
    action: isAction ? (spec.options.action ?? { type: 'handler', content_hash: `sha256:${'0'.repeat(64)}` }) : null,
    retry: isAction ? { ...noRetry, ...spec.options.retry } : noRetry,
    timeoutMs,
    resources,
    demand:
      isAction && spec.options.action?.type === 'builtin'
        ? slotlessDemand
        : demandOf({ constraints }, resources, timeoutMs),
    onFailure,
  };
}

function forEachOf({ forEach, onFailure }: EntryOptions): ForEachPlan | null {
  if (forEach === undefined) return null;
  const defaults = { concurrency: 1000, minSuccess: onFailure === 'continue' ? 0 : 1 };
  return 'in' in forEach ? { ...defaults, ...forEach } : { ...defaults, in: forEach };
}

function inputsOf({ inputs = {}, optional = [] }: ActionOptions): Record<string, PlanInput> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      { value, declaration: { name, type: 'json' as const, optional: optional.includes(name) } },
    ]),
  );
}

/** Makes an entry wait for what it reads and for its `after`, in its own scope or in one around it. */
function connect(spec: EntrySpec, drafts: Drafts): void {
  const draft = drafts.byId.get(spec.id);
  if (draft === undefined) return;
  for (const id of spec.options.after ?? []) depend(draft, id, false, drafts);
  for (const [root = ''] of spec.options.when?.references ?? []) depend(draft, root, false, drafts);
  for (const [root, whole] of rootsOf(draft.forEach?.in)) depend(draft, root, whole, drafts);
  if (spec.kind === 'group') {
    for (const inner of spec.options.actions) connect(inner, drafts);
    return;
  }
  for (const { value, declaration } of Object.values(draft.inputs)) {
    for (const [root, whole] of rootsOf(value)) depend(draft, root, whole && declaration?.optional !== true, drafts);
  }
}

/** Entries of a scope must be written in an order in which they can run. */
function setHeights(entries: readonly Draft[], scopes: readonly (readonly number[])[]): void {
  const dependents = (number: number) => entries[number]?.dependents ?? [];
  const content = (number: number) => entries[number]?.content?.entries ?? null;
  const heights = heightsOf({ count: entries.length, dependents, content, weight: eachIsOne }, scopes);
  for (const draft of entries) draft.height = heights[draft.number] ?? 0;
}

function rootsOf(value: PlanValue | undefined): [root: string, whole: boolean][] {
  switch (value?.type) {
    case 'expression':
      return value.expression.references.map(([root = '', key = '']) =>
        root === 'state' ? [key, false] : [root, value.expression.path !== null],
      );
    case 'list':
      return value.items.flatMap((item) => rootsOf(item)).map(([root]) => [root, false]);
    case 'object':
      return Object.values(value.fields)
        .flatMap((field) => rootsOf(field))
        .map(([root]) => [root, false]);
    default:
      return [];
  }
}

function depend(on: Draft, id: string, skips: boolean, { entries, byId }: Drafts): void {
  const target = byId.get(id);
  if (target === undefined || target.inFinally !== on.inFinally) return;
  let from: Draft | undefined = on;
  while (from !== undefined && from.parent !== target.parent) from = entries[from.parent ?? -1];
  if (from === undefined || from === target) return;
  if (!from.dependencies.includes(target.number)) {
    from.dependencies.push(target.number);
    target.dependents.push(from.number);
  }
  if (skips && !from.skipsWith.includes(target.number)) from.skipsWith.push(target.number);
}

function finish(
  numbers: readonly number[],
  entries: readonly Draft[],
  scopes: Map<readonly number[], ScopePlan>,
): ScopePlan {
  const known = scopes.get(numbers);
  if (known !== undefined) return known;
  const roots = numbers.filter((number) => entries[number]?.dependencies.length === 0);
  const scope = { entries: numbers, roots };
  scopes.set(numbers, scope);
  return scope;
}
