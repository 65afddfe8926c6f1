import type { IoDeclaration } from '@ryax/contracts';
import type { Path } from './expression/parse';
import type { EntryNode, Outline } from './outline';
import type { Viewpoint } from './sight';
import { listOf, objectOf, orNull, scalar, typeOfDeclaration, unknownType, type StaticType } from './static-type';

/** How an entry may have ended, as `state.<id>` says it. */
const entryStates = ['succeeded', 'failed', 'skipped', 'cancelled'];
const stateType: StaticType = { kind: 'scalar', type: 'enum', values: entryStates, nullable: false };

const runType = objectOf([
  ['id', scalar('string')],
  ['workflow_id', scalar('string')],
  ['workflow_version', scalar('integer')],
  ['labels', unknownType],
]);

/** What is known about the values of names. Filled in topological order: what an entry reads is there before it. */
export class TypeTable {
  private readonly outputs = new Map<EntryNode, StaticType>();
  private readonly items = new Map<EntryNode, StaticType>();
  private readonly trigger: StaticType;

  constructor(private readonly outline: Outline) {
    const { head, wrong } = outline.shape;
    this.trigger = wrong.has('trigger') ? unknownType : typeOfOutputs(head.spec.trigger?.outputs ?? []);
  }

  setOutputs(node: EntryNode, type: StaticType): void {
    this.outputs.set(node, type);
  }

  setItem(node: EntryNode, type: StaticType): void {
    this.items.set(node, type);
  }

  /** Of the first name of a path. What is not in sight has been told: nothing more follows from it. */
  ofRoot([root = '', name = '']: Path, view: Viewpoint): StaticType {
    switch (root) {
      case 'trigger':
        return this.trigger;
      case 'run':
        return runType;
      case 'state':
        return objectOf([[name, stateType]]);
      case 'index':
        return scalar('integer');
      case 'item':
        return (view.loop === null ? undefined : this.items.get(view.loop)) ?? unknownType;
      default:
        return this.ofEntry(root, view);
    }
  }

  /** When everything has ended, in whatever way, any entry may have nothing to show. */
  private ofEntry(id: string, view: Viewpoint): StaticType {
    const node = this.outline.byId.get(id);
    if (node === undefined) return unknownType;
    const isAfterwards = view.entry === null || (view.scope.kind === 'finally' && node.scope.kind === 'main');
    return orNull(this.outputs.get(node) ?? unknownType, isAfterwards);
  }
}

export function typeOfOutputs(declarations: readonly IoDeclaration[]): StaticType {
  return objectOf(declarations.map((declaration) => [declaration.name, typeOfDeclaration(declaration)]));
}

/** What downstream sees of an entry: a list under `for_each`, null when it may have been skipped or may have failed quietly. */
export function typeDownstream(own: StaticType, minSuccess: number | null, mayBeNull: boolean): StaticType {
  const seen = minSuccess === null ? own : listOf(orNull(own, minSuccess < 1));
  return orNull(seen, mayBeNull);
}
