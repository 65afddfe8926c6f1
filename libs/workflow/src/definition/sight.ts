import { rootNames } from './expression/vocabulary';
import type { Path } from './expression/parse';
import type { Faults } from './faults';
import { hasLoop, loopOf, type EntryNode, type Outline, type ScopeNode } from './outline';

/** Where an expression stands: what it sees follows from it. */
export interface Viewpoint {
  readonly scope: ScopeNode;
  /** The entry whose value it is; null for what is evaluated when its scope has ended (results, a group's outputs). */
  readonly entry: EntryNode | null;
  /** Whose `item` and `index` are in sight. */
  readonly loop: EntryNode | null;
  /** A word about `item` for the places that are evaluated before there is one. */
  readonly beforeLoop: boolean;
}

/** `when` and `for_each` themselves: judged once, before there are elements. */
export function viewBeforeLoop(node: EntryNode): Viewpoint {
  return { scope: node.scope, entry: node, loop: node.outerLoop, beforeLoop: hasLoop(node.shaped) };
}

export function viewOfInputs(node: EntryNode): Viewpoint {
  return { scope: node.scope, entry: node, loop: loopOf(node), beforeLoop: false };
}

export function viewOfOutputs(node: EntryNode, content: ScopeNode): Viewpoint {
  return { scope: content, entry: null, loop: loopOf(node), beforeLoop: false };
}

export function viewOfResults({ main }: Outline): Viewpoint {
  return { scope: main, entry: null, loop: null, beforeLoop: false };
}

export type Sighted =
  /** Something that every expression sees, or an entry that could not be read: nothing follows from it. */
  | { readonly type: 'given' }
  /** `dependent` has to wait for `target`; null when it has ended anyway. */
  | { readonly type: 'entry'; readonly target: EntryNode; readonly dependent: EntryNode | null }
  | { readonly type: 'fault'; readonly reason: string };

const given: Sighted = { type: 'given' };

function fault(reason: string): Sighted {
  return { type: 'fault', reason };
}

/** What the first name of a reference stands for. */
export function lookUp(outline: Outline, [root = '', name]: Path, view: Viewpoint, faults: Faults): Sighted {
  switch (root) {
    case 'trigger':
    case 'run':
      return given;
    case 'item':
    case 'index':
      return view.loop === null ? fault(whyNoLoop(root, view)) : given;
    case 'state':
      return name === undefined
        ? fault('state is read of one action: state.<id>')
        : lookUpEntry(outline, name, view, faults);
    default:
      return lookUpEntry(outline, root, view, faults);
  }
}

function whyNoLoop(name: string, { beforeLoop }: Viewpoint): string {
  return beforeLoop
    ? `"${name}" is not known yet: this is evaluated once, before for_each has elements; filter the list instead`
    : `"${name}" is only known under a for_each`;
}

export function lookUpEntry(outline: Outline, id: string, view: Viewpoint, faults: Faults): Sighted {
  const target = outline.byId.get(id);
  if (target === undefined) {
    if (outline.shape.unreadable.has(id)) return given;
    return fault(`unknown name "${id}"${faults.didYouMean(id, namesInSight(outline, view))}`);
  }
  let dependent = view.entry;
  for (let scope: ScopeNode | undefined = view.scope; scope !== undefined; scope = scope.group?.scope) {
    if (target.scope === scope) return found(target, dependent, view);
    dependent = scope.group;
  }
  return hasEndedBefore(target, view) ? { type: 'entry', target, dependent: null } : fault(whyOutOfSight(target, view));
}

function found(target: EntryNode, dependent: EntryNode | null, view: Viewpoint): Sighted {
  if (target !== dependent) return { type: 'entry', target, dependent };
  return fault(
    target === view.entry
      ? `"${target.id}" refers to itself`
      : `"${target.id}" is the group around this: it has not ended`,
  );
}

/** `finally` sees what the main part has done. */
function hasEndedBefore(target: EntryNode, view: Viewpoint): boolean {
  return view.scope.kind === 'finally' && target.scope.kind === 'main';
}

function whyOutOfSight(target: EntryNode, view: Viewpoint): string {
  const { group } = target.scope;
  if (group !== null) {
    return `"${target.id}" is inside the group "${group.id}", of which only the outputs are seen: ${group.id}.<output>`;
  }
  return view.entry === null
    ? `"${target.id}" is in finally: only spec.actions are seen here`
    : `"${target.id}" is in finally, which starts when everything else has ended`;
}

function* namesInSight({ main }: Outline, view: Viewpoint): Iterable<string> {
  yield* rootNames;
  for (let scope: ScopeNode | undefined = view.scope; scope !== undefined; scope = scope.group?.scope) {
    yield* idsOf(scope);
  }
  if (view.scope.kind === 'finally') yield* idsOf(main);
}

export function* idsOf(scope: ScopeNode): Iterable<string> {
  for (const { id } of scope.entries) yield id;
}
