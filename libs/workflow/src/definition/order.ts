import type { Faults } from './faults';
import type { Links } from './links';
import type { EntryNode, Outline, ScopeNode } from './outline';

/** The entries of a scope so that each comes after all that it waits for. Those of cycles come last, in any order. */
export type Order = ReadonlyMap<ScopeNode, readonly EntryNode[]>;

export function orderScopes(outline: Outline, links: Links, faults: Faults): Order {
  const groups = outline.entries.flatMap(({ content }) => (content === null ? [] : [content]));
  return new Map([outline.main, outline.finally, ...groups].map((scope) => [scope, orderScope(scope, links, faults)]));
}

/** Kahn's algorithm: linear, and ties keep the order in which the entries were written. */
function orderScope(scope: ScopeNode, links: Links, faults: Faults): readonly EntryNode[] {
  const waitsFor = new Map(scope.entries.map(({ number }) => [number, links[number]?.length ?? 0]));
  const dependents = invert(scope, links);
  const ordered = scope.entries.filter(({ number }) => waitsFor.get(number) === 0);
  // The list grows while it is walked.
  for (const { number } of ordered) {
    for (const dependent of dependents.get(number) ?? []) {
      const left = (waitsFor.get(dependent.number) ?? 0) - 1;
      waitsFor.set(dependent.number, left);
      if (left === 0) ordered.push(dependent);
    }
  }
  if (ordered.length === scope.entries.length) return ordered;
  const stuck = scope.entries.filter(({ number }) => (waitsFor.get(number) ?? 0) > 0);
  reportCycles(stuck, links, faults);
  return [...ordered, ...stuck];
}

function invert(scope: ScopeNode, links: Links): ReadonlyMap<number, readonly EntryNode[]> {
  const dependents = new Map<number, EntryNode[]>();
  for (const node of scope.entries) {
    for (const number of links[node.number] ?? []) {
      const known = dependents.get(number);
      if (known === undefined) dependents.set(number, [node]);
      else known.push(node);
    }
  }
  return dependents;
}

/** Each of these waits for another of them, so walking on from any one comes round to where the walk has been. */
function reportCycles(stuck: readonly EntryNode[], links: Links, faults: Faults): void {
  const byNumber = new Map(stuck.map((node) => [node.number, node]));
  const seen = new Set<EntryNode>();
  for (const start of stuck) {
    const walk = new Set<EntryNode>();
    let node: EntryNode | undefined = start;
    while (node !== undefined && !seen.has(node)) {
      seen.add(node);
      walk.add(node);
      node = (links[node.number] ?? []).map((number) => byNumber.get(number)).find((each) => each !== undefined);
    }
    if (node !== undefined && walk.has(node)) reportCycle([...walk].slice([...walk].indexOf(node)), faults);
  }
}

/** Named in the order in which data flows, from the entry that is written first. */
function reportCycle(waiting: readonly EntryNode[], faults: Faults): void {
  const flow = waiting.toReversed();
  const first = flow.reduce((a, b) => (b.number < a.number ? b : a));
  const turned = [...flow.slice(flow.indexOf(first)), ...flow.slice(0, flow.indexOf(first)), first];
  faults.add(first.place, `waits for itself: ${turned.map(({ id }) => id).join(' → ')}`);
}
