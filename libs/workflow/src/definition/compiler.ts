import type { PinnedAction, Resources } from '@ryax/contracts';
import { plainDemand, slotlessDemand, type Demand } from '../placement';
import { ActionFinder, type ActionFacts } from './actions';
import { Binder, type Bound } from './binder';
import { describeType } from './describe';
import type { Demands } from './demands';
import type { DefinitionDraft, EntryDraft } from './entry-draft';
import type { Faults } from './faults';
import { eachIsOne, heightsOf, type Heights } from './heights';
import type { Links } from './links';
import type { Order } from './order';
import type { EntryNode, Outline, ScopeNode } from './outline';
import { at } from './place';
import type { Expression, ForEachPlan, PlanEntry, PlanInput, PlanValue, ScopePlan } from './plan';
import { noRetry, readDuration, readForEach, readResources, readRetry, readTimeout } from './settings';
import type { ShapedAction } from './shape';
import { viewBeforeLoop, viewOfInputs, viewOfOutputs, viewOfResults } from './sight';
import { objectOf, unknownType, type StaticType } from './static-type';
import { TypeTable, typeDownstream } from './type-table';

/** Compiles entry by entry, each after all that it waits for: so the types of what it reads are known. */
export class Compiler {
  readonly entries: PlanEntry[];
  private readonly types: TypeTable;
  private readonly binder: Binder;
  private readonly actions: ActionFinder;
  private readonly dependents: readonly number[][];
  private readonly heights: Heights;
  private readonly mayBeNull = new Set<number>();

  constructor(
    private readonly outline: Outline,
    private readonly drafts: DefinitionDraft,
    private readonly links: Links,
    private readonly order: Order,
    pinned: ReadonlyMap<string, PinnedAction>,
    private readonly demands: Demands,
    private readonly faults: Faults,
  ) {
    this.entries = new Array<PlanEntry>(outline.entries.length);
    this.types = new TypeTable(outline);
    this.binder = new Binder(outline, this.types, faults);
    this.actions = new ActionFinder(pinned, faults);
    this.dependents = outline.entries.map(() => []);
    for (const [number, targets] of links.entries()) {
      for (const target of targets) this.dependents[target]?.push(number);
    }
    this.heights = this.heightsOfEntries();
  }

  scope(scope: ScopeNode): ScopePlan {
    const ordered = this.order.get(scope) ?? [];
    for (const node of ordered) this.entry(node);
    const numbers = ordered.map(({ number }) => number);
    return { entries: numbers, roots: numbers.filter((number) => this.links[number]?.length === 0) };
  }

  results(): Readonly<Record<string, PlanValue>> {
    const view = viewOfResults(this.outline);
    return Object.fromEntries(
      [...this.drafts.results].map(([name, draft]) => [name, this.binder.bindPublic(draft, view).value]),
    );
  }

  private entry(node: EntryNode): void {
    const draft = this.drafts.entries[node.number];
    if (draft === undefined) return;
    const when = this.when(node, draft);
    const forEach = this.forEach(node, draft);
    const part = node.content === null ? this.action(node, draft) : this.group(node, draft, node.content);
    const mayBeNull = this.mayShowNothing(node, forEach);
    // Of an entry that could not be read as it was meant nothing is concluded.
    const isWhole = node.shaped.wrong.size === 0;
    const type = isWhole ? typeDownstream(part.type, forEach?.minSuccess ?? null, mayBeNull) : unknownType;
    this.types.setOutputs(node, type);
    // Field by field: spreading two objects takes longer than everything else, a hundred thousand times.
    this.entries[node.number] = {
      number: node.number,
      id: node.id,
      kind: part.kind,
      parent: node.scope.group?.number ?? null,
      inFinally: node.scope.kind === 'finally',
      depth: node.depth,
      dependencies: this.links[node.number] ?? [],
      dependents: this.dependents[node.number] ?? [],
      height: this.heights[node.number] ?? 0,
      skipsWith: this.binder.skipsWith(node),
      when,
      forEach,
      inputs: part.inputs,
      outputs: part.outputs,
      groupOutputs: part.groupOutputs,
      content: part.content,
      action: part.action,
      retry: part.retry,
      timeoutMs: part.timeoutMs,
      resources: part.resources,
      demand: part.demand,
      onFailure: node.shaped.entry.on_failure ?? 'fail',
    };
  }

  private heightsOfEntries(): Heights {
    const { main, finally: last, entries } = this.outline;
    const numbersOf = (scope: ScopeNode) => (this.order.get(scope) ?? []).map(({ number }) => number);
    const content = (number: number) => {
      const inside = entries[number]?.content;
      return inside === undefined || inside === null ? null : numbersOf(inside);
    };
    const dependents = (number: number) => this.dependents[number] ?? [];
    return heightsOf({ count: entries.length, dependents, content, weight: eachIsOne }, [
      numbersOf(main),
      numbersOf(last),
    ]);
  }

  private when(node: EntryNode, { when }: EntryDraft): Expression | null {
    if (when === null) return null;
    const { value, type } = this.binder.bindNeeded(when, viewBeforeLoop(node));
    if (type.kind !== 'unknown' && !(type.kind === 'scalar' && type.type === 'boolean')) {
      this.faults.add(when.place, `expected a boolean, found ${describeType(type)}`);
    }
    return value.type === 'expression' ? value.expression : null;
  }

  private forEach(node: EntryNode, draft: EntryDraft): ForEachPlan | null {
    const { for_each: forEach, on_failure: onFailure = 'fail' } = node.shaped.entry;
    if (forEach === undefined || draft.forEach === null) return null;
    const { value, type } = this.binder.bindNeeded(draft.forEach, viewBeforeLoop(node));
    if (type.kind !== 'unknown' && type.kind !== 'list') {
      this.faults.add(draft.forEach.place, `expected a list, found ${describeType(type)}`);
    }
    this.types.setItem(node, type.kind === 'list' ? type.element : unknownType);
    return { in: value, ...readForEach(forEach, onFailure) };
  }

  /** Skipped, or failed where nobody minds. */
  private mayShowNothing(node: EntryNode, forEach: ForEachPlan | null): boolean {
    const { when, on_failure: onFailure } = node.shaped.entry;
    const failsQuietly = onFailure === 'continue' && forEach?.minSuccess !== 0;
    const skips = this.binder.skipsWith(node).some((number) => this.mayBeNull.has(number));
    const mayBeNull = when !== undefined || failsQuietly || skips;
    if (mayBeNull) this.mayBeNull.add(node.number);
    return mayBeNull;
  }

  private group(node: EntryNode, draft: EntryDraft, content: ScopeNode): EntryPart {
    const plan = this.scope(content);
    const view = viewOfOutputs(node, content);
    const outputs = [...draft.outputs].map(([name, each]): readonly [string, Bound] => [
      name,
      this.binder.bind(each, view),
    ]);
    return {
      type: objectOf(outputs.map(([name, { type }]) => [name, type])),
      kind: 'group',
      inputs: {},
      outputs: null,
      groupOutputs: Object.fromEntries(outputs.map(([name, { value }]) => [name, value])),
      content: plan,
      action: null,
      retry: noRetry,
      timeoutMs: readDuration(node.shaped.entry.timeout, at(node.place, 'timeout'), this.faults),
      resources: {},
      demand: plainDemand,
    };
  }

  private action(node: EntryNode, draft: EntryDraft): EntryPart {
    const { shaped, place } = node;
    if (shaped.kind === 'group') throw new Error(`Expected an action, found the group ${node.id}`);
    const facts = this.actions.find(shaped);
    const resources = readResources(
      shaped.entry.resources,
      facts?.resources ?? {},
      at(place, 'resources'),
      this.faults,
    );
    const timeoutMs = readTimeout(shaped.entry.timeout, resources, at(place, 'timeout'), this.faults);
    return {
      type: typeOfAction(facts, draft),
      kind: 'action',
      inputs: this.inputs(node, shaped, draft, facts),
      outputs: facts?.outputs ?? null,
      groupOutputs: {},
      content: null,
      action: facts?.run ?? null,
      retry: readRetry(shaped.entry.retry, at(place, 'retry'), this.faults),
      timeoutMs,
      resources,
      demand: this.demand(shaped, facts, resources, timeoutMs),
    };
  }

  /** Built-ins may be taken by anybody, and are counted as no work. */
  private demand(
    { entry, place }: ShapedAction,
    facts: ActionFacts | null,
    resources: Resources,
    timeoutMs: number | null,
  ): Demand {
    if (facts?.run.type !== 'builtin') return this.demands.of(entry, resources, timeoutMs);
    for (const field of ['constraints', 'objectives'] as const) {
      if (entry[field] !== undefined) this.faults.warn(at(place, field), 'changes nothing: a built-in runs anywhere');
    }
    return slotlessDemand;
  }

  private inputs(
    node: EntryNode,
    shaped: ShapedAction,
    draft: EntryDraft,
    facts: ActionFacts | null,
  ): Readonly<Record<string, PlanInput>> {
    const view = viewOfInputs(node);
    const declared = facts?.inputs ?? null;
    const given = [...draft.inputs].map(([name, each]): readonly [string, PlanInput] => {
      const declaration = declared?.get(name);
      if (declaration !== undefined) return [name, this.binder.bindInput(declaration, each, view)];
      if (declared !== null) {
        this.faults.add(each.place, `unknown input${this.faults.didYouMean(name, declared.keys())}`);
      }
      if (facts === null) return [name, this.binder.bindUnjudged(each, view)];
      const isContainer = facts.run.type === 'container';
      return [name, isContainer ? this.binder.bindOfContainer(each, view) : this.binder.bindUndeclared(each, view)];
    });
    const omitted = [...(declared?.values() ?? [])].filter(({ name }) => !draft.inputs.has(name));
    const place = at(shaped.place, 'inputs');
    const defaults = omitted.map(
      (declaration) =>
        [declaration.name, this.binder.omitInput(declaration, place, shaped.wrong.has('inputs'))] as const,
    );
    return Object.fromEntries([...given, ...defaults]);
  }
}

/** What an entry is by its kind, and what is known about its outputs. */
interface EntryPart extends Pick<
  PlanEntry,
  'kind' | 'inputs' | 'outputs' | 'groupOutputs' | 'content' | 'action' | 'retry' | 'timeoutMs' | 'resources' | 'demand'
> {
  readonly type: StaticType;
}

/** `core/noop` gives back its inputs: their names are known, and what they are is seen at run time. */
function typeOfAction(facts: ActionFacts | null, { inputs }: EntryDraft): StaticType {
  if (facts === null) return unknownType;
  return facts.outputType ?? objectOf([...inputs.keys()].map((name) => [name, unknownType]));
}
