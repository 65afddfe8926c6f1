import type { ActionEntry, ActionToRun, IoDeclaration, JsonObject, PinnedAction, Resources } from '@ryax/contracts';
import { checkOutputDeclarations } from './declarations';
import type { Faults } from './faults';
import { at, type Place } from './place';
import type { ShapedAction } from './shape';
import type { StaticType } from './static-type';
import { typeOfOutputs } from './type-table';

/** What an action is, wherever it comes from. */
export interface ActionFacts {
  readonly run: ActionToRun;
  /** Null where any input is taken as it is (`core/noop`, a container). */
  readonly inputs: ReadonlyMap<string, IoDeclaration> | null;
  /** Null for `core/noop`: it gives back its inputs. */
  readonly outputs: readonly IoDeclaration[] | null;
  readonly outputType: StaticType | null;
  readonly resources: Resources;
}

const builtins: ReadonlyMap<string, ActionFacts> = new Map([
  [
    'core/noop',
    { run: { type: 'builtin', name: 'noop' }, inputs: null, outputs: null, outputType: null, resources: {} },
  ],
  [
    'core/sleep',
    {
      run: { type: 'builtin', name: 'sleep' },
      inputs: new Map([['seconds', { name: 'seconds', type: 'float', human_name: 'Seconds' }]]),
      outputs: [],
      outputType: typeOfOutputs([]),
      resources: {},
    },
  ],
]);

/** Finds what entries run. The actions of a definition are few, however many entries it has. */
export class ActionFinder {
  private readonly known = new Map<string, ActionFacts>(builtins);

  constructor(
    private readonly actions: ReadonlyMap<string, PinnedAction>,
    private readonly faults: Faults,
  ) {}

  /** Null when it is not known; why has been told. */
  find({ entry, place, wrong }: ShapedAction): ActionFacts | null {
    if (entry.action !== undefined && entry.container !== undefined) {
      this.faults.add(at(place, 'container'), 'expected either action or container, found both');
    }
    if (entry.action !== undefined) return this.named(entry.action, at(place, 'action'));
    if (entry.container !== undefined) return this.container(entry.container, at(place, 'container'));
    if (!wrong.has('action') && !wrong.has('container')) {
      this.faults.add(place, 'expected one of action, container or actions');
    }
    return null;
  }

  private named(reference: string, place: Place): ActionFacts | null {
    const known = this.known.get(reference);
    if (known !== undefined) return known;
    const pinned = this.actions.get(reference);
    if (pinned === undefined) {
      this.faults.add(place, whyUnknown(reference, [...builtins.keys(), ...this.actions.keys()], this.faults));
      return null;
    }
    if (pinned.manifest.kind === 'Source') {
      this.faults.add(
        place,
        `"${reference}" is a trigger (kind Source): it starts runs and cannot be an action of one`,
      );
    }
    for (const warning of pinned.manifest.warnings) this.faults.warn(place, warning);
    const facts = factsOf(pinned);
    this.known.set(reference, facts);
    return facts;
  }

  private container(
    { image, command, env = {}, outputs = [] }: NonNullable<ActionEntry['container']>,
    place: Place,
  ): ActionFacts {
    checkOutputDeclarations(outputs, at(place, 'outputs'), this.faults);
    return {
      run: { type: 'container', image, command, env, outputs: outputs.map(asJson) },
      inputs: null,
      outputs,
      outputType: typeOfOutputs(outputs),
      resources: {},
    };
  }
}

/** What an executor has to know to check an output. */
function asJson({ name, type, optional = false, enum_values }: IoDeclaration): JsonObject {
  return { name, type, optional, ...(enum_values === undefined ? {} : { enum_values }) };
}

function factsOf({ content_hash, manifest }: PinnedAction): ActionFacts {
  return {
    run: { type: 'handler', content_hash },
    inputs: new Map(manifest.inputs.map((input) => [input.name, input])),
    outputs: manifest.outputs,
    outputType: typeOfOutputs(manifest.outputs),
    resources: manifest.resources,
  };
}

/** A folder on the user's machine, as only the command line can have it. */
export function isLocalFolder(reference: string): boolean {
  return /^(\.{1,2}$|\.{1,2}\/|\/|~)/.test(reference);
}

function whyUnknown(reference: string, known: readonly string[], faults: Faults): string {
  if (isLocalFolder(reference)) return 'local folders must be uploaded first: use `ryax deploy`';
  const hint = faults.didYouMean(reference, known);
  if (hint !== '' || reference.startsWith('core/') || reference.startsWith('sha256:') || reference.includes('@')) {
    return `there is no action "${reference}"${hint}`;
  }
  return `there is no action "${reference}"; expected <id>@<version> of the catalogue, or a folder such as ./${reference}`;
}
