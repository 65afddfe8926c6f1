import type { JsonObject } from '@ryax/contracts';
import type { Random } from './random';

/** What the definition implies for a run with these inputs, whatever happens to processes meanwhile. */
export interface Expected {
  readonly state: 'succeeded' | 'failed' | 'cancelled';
  /** Of a run that succeeds. */
  readonly results?: JsonObject;
  /** Of a run that fails: the first cause. */
  readonly failure?: { readonly kind: string; readonly execution: string };
  /** Executions that have succeeded when the run has ended. */
  readonly mustSucceed: readonly string[];
  /** Entries of which no execution begins. */
  readonly mustNotBegin?: readonly string[];
  /** Of entries under a `for_each`: how many elements each has. All of them begin. */
  readonly elements?: Readonly<Record<string, number>>;
}

/**
 * `to` begins only after `from` has ended: all of it, or under one `for_each` the same element of it. What is in `finally`
 * waits only for as much as had begun.
 */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly of: 'all' | 'element' | 'begun';
}

/** A kind of run: what is deployed, what it is started with, and what it has to come to. */
export interface Shape {
  readonly id: string;
  readonly spec: (journal: string) => JsonObject;
  readonly inputs: (random: Random) => JsonObject;
  readonly expected: (inputs: JsonObject) => Expected;
  readonly edges: readonly Edge[];
  /** Ids of actions that write the journal. */
  readonly journaled: readonly string[];
  /** It ends only when it is cancelled. */
  readonly isCancelled?: true;
}

export function definitionOf(shape: Shape, journal: string): JsonObject {
  return {
    apiVersion: 'ryax.tech/v2.0',
    kind: 'Workflow',
    spec: { id: `chaos-${shape.id}`, ...shape.spec(journal) },
  };
}
