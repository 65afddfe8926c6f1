import type { Faults } from './faults';
import { at, pathText, type Place } from './place';
import type { Shape, ShapedEntry } from './shape';
import { whyReserved } from './expression/vocabulary';

/** The entries of a definition, numbered, with the scope that each stands in. */
export interface Outline {
  readonly shape: Shape;
  /** A group precedes its content; `finally` comes last. */
  readonly entries: readonly EntryNode[];
  readonly byId: ReadonlyMap<string, EntryNode>;
  readonly main: ScopeNode;
  readonly finally: ScopeNode;
}

export interface ScopeNode {
  readonly kind: 'main' | 'group' | 'finally';
  /** The group whose content it is. */
  readonly group: EntryNode | null;
  readonly entries: readonly EntryNode[];
}

export interface EntryNode {
  readonly number: number;
  readonly id: string;
  readonly place: Place;
  readonly shaped: ShapedEntry;
  readonly scope: ScopeNode;
  /** A group's. */
  readonly content: ScopeNode | null;
  /** The nearest entry with a `for_each` around this one, itself not counted. */
  readonly outerLoop: EntryNode | null;
  /** Indexes of an execution: one for each `for_each` around it, its own included. */
  readonly depth: number;
}

/** The entry whose `item` and `index` the inputs of this one see. */
export function loopOf(node: EntryNode): EntryNode | null {
  return hasLoop(node.shaped) ? node : node.outerLoop;
}

/** Also where the `for_each` could not be read: then nobody is told that there is no `item`. */
export function hasLoop({ entry, wrong }: ShapedEntry): boolean {
  return entry.for_each !== undefined || wrong.has('for_each');
}

export function outline(shape: Shape, faults: Faults): Outline {
  const builder = new OutlineBuilder(faults);
  const main = builder.scope('main', null, shape.actions, null);
  const last = builder.scope('finally', null, shape.finally, null);
  return { shape, entries: builder.entries, byId: builder.byId, main, finally: last };
}

type Growing<T> = { -readonly [K in keyof T]: T[K] };

class OutlineBuilder {
  readonly entries: EntryNode[] = [];
  readonly byId = new Map<string, EntryNode>();

  constructor(private readonly faults: Faults) {}

  scope(
    kind: ScopeNode['kind'],
    group: EntryNode | null,
    content: readonly ShapedEntry[],
    loop: EntryNode | null,
  ): ScopeNode {
    const entries: EntryNode[] = [];
    const scope: ScopeNode = { kind, group, entries };
    for (const shaped of content) entries.push(this.entry(shaped, scope, loop));
    return scope;
  }

  private entry(shaped: ShapedEntry, scope: ScopeNode, outerLoop: EntryNode | null): EntryNode {
    const { entry, place } = shaped;
    const depth = (outerLoop?.depth ?? 0) + (hasLoop(shaped) ? 1 : 0);
    const node: Growing<EntryNode> = {
      number: this.entries.length,
      id: entry.id,
      place,
      shaped,
      scope,
      content: null,
      outerLoop,
      depth,
    };
    this.entries.push(node);
    this.register(node);
    if (shaped.kind === 'group') node.content = this.scope('group', node, shaped.content, loopOf(node));
    return node;
  }

  private register(node: EntryNode): void {
    const place = at(node.place, 'id');
    const reserved = whyReserved(node.id);
    if (reserved !== null) this.faults.add(place, reserved);
    const first = this.byId.get(node.id);
    if (first === undefined) this.byId.set(node.id, node);
    else this.faults.add(place, `"${node.id}" is already the id of ${pathText(first.place)}`);
  }
}
