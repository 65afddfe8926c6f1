import { expressionsIn, type Draft } from './draft';
import type { DefinitionDraft } from './entry-draft';
import type { Faults } from './faults';
import type { EntryNode, Outline } from './outline';
import { at } from './place';
import {
  lookUp,
  lookUpEntry,
  viewBeforeLoop,
  viewOfInputs,
  viewOfOutputs,
  viewOfResults,
  type Viewpoint,
} from './sight';

/** By entry number: the numbers of the entries that it waits for, all in its own scope. */
export type Links = readonly (readonly number[])[];

/**
 * Finds what waits for what. A reference makes the entry wait for what it names; when that stands outside of groups
 * around the entry, the outermost of these groups waits.
 */
export function link(outline: Outline, drafts: DefinitionDraft, faults: Faults): Links {
  const linker = new Linker(outline, faults);
  for (const node of outline.entries) {
    const draft = drafts.entries[node.number];
    if (draft === undefined) continue;
    linker.linkAll([draft.when, draft.forEach], viewBeforeLoop(node));
    linker.linkAll(draft.inputs.values(), viewOfInputs(node));
    if (node.content !== null) linker.linkAll(draft.outputs.values(), viewOfOutputs(node, node.content));
    linker.linkAfter(node);
  }
  linker.linkAll(drafts.results.values(), viewOfResults(outline));
  return linker.links.map(distinct);
}

/** Most entries wait for none or one. */
export function distinct(numbers: readonly number[]): readonly number[] {
  return numbers.length < 2 ? numbers : [...new Set(numbers)];
}

class Linker {
  readonly links: number[][];

  constructor(
    private readonly outline: Outline,
    private readonly faults: Faults,
  ) {
    this.links = outline.entries.map(() => []);
  }

  linkAll(drafts: Iterable<Draft | null>, view: Viewpoint): void {
    for (const draft of drafts) if (draft !== null) this.linkValue(draft, view);
  }

  private linkValue(draft: Draft, view: Viewpoint): void {
    for (const { parsed, place } of expressionsIn(draft)) {
      for (const reason of new Set(
        parsed.references.flatMap((path) => this.follow(lookUp(this.outline, path, view, this.faults))),
      )) {
        this.faults.add(place, reason);
      }
    }
  }

  linkAfter(node: EntryNode): void {
    const view = viewOfInputs(node);
    for (const [index, id] of (node.shaped.entry.after ?? []).entries()) {
      const sighted = lookUpEntry(this.outline, id, view, this.faults);
      const hasEnded = sighted.type === 'entry' && sighted.dependent === null;
      const reasons = hasEnded ? [`"${id}" has always ended when finally starts`] : this.follow(sighted);
      for (const reason of reasons) this.faults.add(at(node.place, 'after', index), reason);
    }
  }

  private follow(sighted: ReturnType<typeof lookUp>): readonly string[] {
    if (sighted.type === 'fault') return [sighted.reason];
    if (sighted.type === 'entry' && sighted.dependent !== null) {
      this.links[sighted.dependent.number]?.push(sighted.target.number);
    }
    return [];
  }
}
