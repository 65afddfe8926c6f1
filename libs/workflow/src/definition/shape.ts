import {
  actionEntrySchema,
  definitionShellSchema,
  groupShellSchema,
  type ActionEntry,
  type Definition,
  type Entry,
  type GroupEntry,
} from '@ryax/contracts';
import type { z } from 'zod';
import type { Faults } from './faults';
import { at, type Place } from './place';
import { reportIssues } from './zod-faults';

/**
 * A definition whose fields have the right types. One that has not is read without its wrong fields, so that the rest
 * can still be judged and all faults are told at once.
 */
export interface Shape {
  readonly head: z.infer<typeof definitionShellSchema>;
  /** Fields of `spec` that were wrong and are left out. */
  readonly wrong: ReadonlySet<string>;
  readonly actions: readonly ShapedEntry[];
  readonly finally: readonly ShapedEntry[];
  /** Ids of entries that could not be read: nobody is told that they do not exist. */
  readonly unreadable: ReadonlySet<string>;
}

export type ShapedEntry = ShapedAction | ShapedGroup;

interface Shaped {
  readonly place: Place;
  /** Fields that were wrong and are left out: nobody is told that they are missing. */
  readonly wrong: ReadonlySet<string>;
}
export interface ShapedAction extends Shaped {
  readonly kind: 'action';
  readonly entry: ActionEntry;
}
export interface ShapedGroup extends Shaped {
  readonly kind: 'group';
  readonly entry: z.infer<typeof groupShellSchema>;
  readonly content: readonly ShapedEntry[];
}

/** Groups in groups. Whatever recurses over them is bounded by it, and so is an execution's index path. */
const deepestGroup = 16;

/** What an engine may bound more tightly than all of its parts can bear. */
export type DefinitionBounds = Readonly<Record<'actionsPerWorkflow', number>>;

/** Undefined when so much is wrong that nothing more can be said. */
export function readShape(document: unknown, faults: Faults, bounds: DefinitionBounds): Shape | undefined {
  const read = readHead(document, faults);
  if (read === undefined) return undefined;
  const { head, wrong } = read;
  const reader = new EntryReader(faults, bounds.actionsPerWorkflow);
  const spec = at(null, 'spec');
  const actions = reader.entries(head.spec.actions, at(spec, 'actions'), 0);
  const last = reader.actionsOnly(head.spec.finally ?? [], at(spec, 'finally'));
  const { actionsPerWorkflow } = bounds;
  if (reader.count > actionsPerWorkflow) {
    faults.add(at(spec, 'actions'), `expected at most ${actionsPerWorkflow} actions (actionsPerWorkflow), found more`);
    return undefined;
  }
  return { head, wrong, actions, finally: last, unreadable: reader.unreadable };
}

type Head = Pick<Shape, 'head' | 'wrong'>;

function readHead(document: unknown, faults: Faults): Head | undefined {
  const parsed = definitionShellSchema.safeParse(document, { reportInput: true });
  if (parsed.success) return { head: parsed.data, wrong: nothing };
  const { issues } = parsed.error;
  reportIssues(issues, null, definitionShellSchema, faults);
  return isRecord(document) && isRecord(document.spec) ? repairedHead(document.spec, issues) : undefined;
}

/** Without what is wrong, and with what has to be there. */
function repairedHead(spec: Record<string, unknown>, issues: readonly z.core.$ZodIssue[]): Head | undefined {
  const inSpec = issues.filter((issue) => issue.path[0] === 'spec');
  const wrong = new Set(inSpec.flatMap((issue) => fieldsInFault({ ...issue, path: issue.path.slice(1) })));
  const { data } = definitionShellSchema.safeParse({
    apiVersion: 'ryax.tech/v2.0',
    kind: 'Workflow',
    spec: { id: 'unknown', actions: ['unread'], ...without(spec, wrong) },
  });
  if (data === undefined) return undefined;
  return { head: wrong.has('actions') ? { ...data, spec: { ...data.spec, actions: [] } } : data, wrong };
}

class EntryReader {
  readonly unreadable = new Set<string>();
  count = 0;

  constructor(
    private readonly faults: Faults,
    private readonly most: number,
  ) {}

  entries(values: readonly unknown[], place: Place, depth: number): readonly ShapedEntry[] {
    return values.flatMap((value, index) => this.entry(value, at(place, index), depth) ?? []);
  }

  actionsOnly(values: readonly unknown[], place: Place): readonly ShapedAction[] {
    return values.flatMap((value, index) => this.actionOnly(value, at(place, index)) ?? []);
  }

  private actionOnly(value: unknown, place: Place): ShapedAction | undefined {
    if (!isRecord(value) || !('actions' in value)) return this.action(value, place);
    this.faults.add(at(place, 'actions'), 'finally has no groups: write its actions one beside the other');
    return this.unread(value);
  }

  /** A group is told from an action by its `actions`, so that faults speak of what was meant. */
  private entry(value: unknown, place: Place, depth: number): ShapedEntry | undefined {
    if (this.count > this.most) return undefined;
    return isRecord(value) && 'actions' in value ? this.group(value, place, depth) : this.action(value, place);
  }

  private action(value: unknown, place: Place): ShapedAction | undefined {
    this.count++;
    const read = this.read(actionEntrySchema, value, place);
    return read === undefined ? undefined : { kind: 'action', place, ...read };
  }

  private group(value: Record<string, unknown>, place: Place, depth: number): ShapedGroup | undefined {
    this.count++;
    if (depth === deepestGroup) {
      this.faults.add(place, `groups nest more than ${deepestGroup} levels deep`);
      return this.unread(value);
    }
    const own = Object.entries(value).filter(([key]) => !fieldsOfActions.has(key) || this.refuseInGroup(key, place));
    const read = this.read(groupShellSchema, Object.fromEntries(own), place);
    if (read === undefined) return undefined;
    return {
      kind: 'group',
      place,
      ...read,
      content: this.entries(read.entry.actions, at(place, 'actions'), depth + 1),
    };
  }

  private refuseInGroup(key: string, place: Place): false {
    this.faults.add(at(place, key), 'is for actions: this is a group, because it has actions');
    return false;
  }

  private read<T>(
    schema: z.ZodType<T>,
    value: unknown,
    place: Place,
  ): { entry: T; wrong: ReadonlySet<string> } | undefined {
    const parsed = schema.safeParse(value, { reportInput: true });
    if (parsed.success) return { entry: parsed.data, wrong: nothing };
    reportIssues(parsed.error.issues, place, schema, this.faults);
    if (!isRecord(value)) return undefined;
    const { issues } = parsed.error;
    const wrong = new Set(issues.flatMap(fieldsInFault));
    // Without as little as can be: one input of a wrong name must not hide what is wrong with the others.
    for (const repaired of [withoutFaults(value, issues), without(value, wrong)]) {
      const { data } = schema.safeParse(repaired);
      if (data !== undefined) return { entry: data, wrong };
    }
    return this.unread(value);
  }

  private unread(value: unknown): undefined {
    if (isRecord(value) && typeof value.id === 'string') this.unreadable.add(value.id);
    return undefined;
  }
}

const fieldsOfActions: ReadonlySet<string> = new Set(
  Object.keys(actionEntrySchema.shape).filter((key) => !(key in groupShellSchema.shape)),
);

const nothing: ReadonlySet<string> = new Set();

function fieldsInFault(issue: z.core.$ZodIssue): string[] {
  if (issue.path.length > 0) return [String(issue.path[0])];
  return issue.code === 'unrecognized_keys' ? issue.keys : [];
}

/** Without the innermost values that are at fault. Lists are left out whole, so that places stay what they were. */
function withoutFaults(value: Record<string, unknown>, issues: readonly z.core.$ZodIssue[]): Record<string, unknown> {
  const paths = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
  );
  return paths.reduce(withoutPath, value);
}

function withoutPath(
  value: Record<string, unknown>,
  [first, ...rest]: readonly PropertyKey[],
): Record<string, unknown> {
  if (first === undefined) return value;
  const name = String(first);
  const inner = value[name];
  if (rest.length === 0 || !isRecord(inner)) return without(value, new Set([name]));
  return { ...value, [name]: withoutPath(inner, rest) };
}

function without(value: Record<string, unknown>, fields: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !fields.has(key)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The definition that a faultless shape was read from. */
export function definitionOf({ head, actions, finally: last }: Shape): Definition {
  const { actions: _, finally: __, ...spec } = head.spec;
  const own = { ...spec, actions: actions.map(entryOf) };
  if (head.spec.finally === undefined) return { ...head, spec: own };
  return { ...head, spec: { ...own, finally: last.flatMap((each) => (each.kind === 'action' ? [each.entry] : [])) } };
}

function entryOf(shaped: ShapedEntry): Entry {
  if (shaped.kind === 'action') return shaped.entry;
  const { actions: _, ...group } = shaped.entry;
  return { ...group, actions: shaped.content.map(entryOf) } satisfies GroupEntry;
}
