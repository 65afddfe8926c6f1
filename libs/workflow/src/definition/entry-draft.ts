import type { JsonValue } from '@ryax/contracts';
import { readDraft, type Draft } from './draft';
import type { Faults } from './faults';
import type { EntryNode, Outline } from './outline';
import { at, type Place } from './place';
import { hasSettings } from './settings';

export type Drafts = ReadonlyMap<string, Draft>;

/** What an entry says about values. */
export interface EntryDraft {
  readonly when: Draft | null;
  readonly forEach: Draft | null;
  /** An action's inputs. */
  readonly inputs: Drafts;
  /** A group's outputs. */
  readonly outputs: Drafts;
}

export interface DefinitionDraft {
  /** By entry number. */
  readonly entries: readonly EntryDraft[];
  readonly results: Drafts;
}

export function readDrafts({ entries, shape }: Outline, faults: Faults): DefinitionDraft {
  const results = shape.head.spec.results;
  return {
    entries: entries.map((node) => readEntry(node, faults)),
    results: readAll(results, at(null, 'spec', 'results'), faults),
  };
}

function readEntry({ shaped, place }: EntryNode, faults: Faults): EntryDraft {
  const { when } = shaped.entry;
  return {
    when: when === undefined ? null : readDraft(when, at(place, 'when'), faults),
    forEach: readForEach(shaped.entry.for_each, at(place, 'for_each'), faults),
    inputs: shaped.kind === 'action' ? readAll(shaped.entry.inputs, at(place, 'inputs'), faults) : none,
    outputs: shaped.kind === 'group' ? readAll(shaped.entry.outputs, at(place, 'outputs'), faults) : none,
  };
}

function readForEach(forEach: EntryNode['shaped']['entry']['for_each'], place: Place, faults: Faults): Draft | null {
  if (forEach === undefined) return null;
  return hasSettings(forEach) ? readDraft(forEach.in, at(place, 'in'), faults) : readDraft(forEach, place, faults);
}

function readAll(values: Readonly<Record<string, JsonValue>> | undefined, place: Place, faults: Faults): Drafts {
  if (values === undefined) return none;
  return new Map(Object.entries(values).map(([name, value]) => [name, readDraft(value, at(place, name), faults)]));
}

const none: Drafts = new Map();
