import type { ActionToRun, IoDeclaration, JsonObject, JsonValue, Resources } from '@ryax/contracts';
import type { Demand } from '../placement';

/**
 * A deployed definition, compiled: what the run aggregate works on. Entries are numbered, so that state can be arrays;
 * everything is readonly and shared by all runs of one definition.
 */
export interface Plan {
  readonly workflowId: string;
  readonly triggerOutputs: readonly IoDeclaration[];
  /** Every entry at every depth, `finally` included, at the index that is its number. A group precedes its content. */
  readonly entries: readonly PlanEntry[];
  readonly entryById: ReadonlyMap<string, PlanEntry>;
  readonly main: ScopePlan;
  readonly finally: ScopePlan;
  readonly results: Readonly<Record<string, PlanValue>>;
  readonly timeoutMs: number | null;
  readonly finallyTimeoutMs: number;
}

/** A DAG: the top level, the content of a group, or `finally`. */
export interface ScopePlan {
  /** Entry numbers, in a topological order. */
  readonly entries: readonly number[];
  /** Entry numbers without dependencies in their scope. */
  readonly roots: readonly number[];
}

export interface PlanEntry {
  readonly number: number;
  readonly id: string;
  readonly kind: 'action' | 'group';
  /** The group around it; null at the top level and in `finally`. */
  readonly parent: number | null;
  readonly inFinally: boolean;
  /** How many indexes an execution of this entry has: one for each `for_each` around it, its own included. */
  readonly depth: number;
  /** Entries of the same scope that this one waits for, direct ones only, each once. */
  readonly dependencies: readonly number[];
  /** The inverse: entries of the same scope that wait for this one. */
  readonly dependents: readonly number[];
  /**
   * Actions on the longest path from this one, itself included, to the end of `main` (or of `finally`): the higher of two
   * that are ready is handed out first. A group's is that of the highest in it.
   */
  readonly height: number;
  /**
   * The dependencies that this entry (or, for a group, what is in it) cannot do without: what a required input, the list
   * of a `for_each` or a `when` is a plain reference to. When one of them was skipped, so is this entry. An expression
   * that computes sees the null instead, and so does an input that is optional or has a default.
   */
  readonly skipsWith: readonly number[];
  /** Judged once, before a `for_each` opens: it sees the `item` around the entry, not the entry's own. */
  readonly when: Expression | null;
  readonly forEach: ForEachPlan | null;
  /**
   * An action's inputs by name, each with its declaration where the action declares it. Every declared input is there:
   * one that the definition leaves out has its default, or null.
   */
  readonly inputs: Readonly<Record<string, PlanInput>>;
  /** An action's declared outputs; for the built-in noop, null: it gives back its inputs. */
  readonly outputs: readonly IoDeclaration[] | null;
  /** A group's outputs; empty for an action. */
  readonly groupOutputs: Readonly<Record<string, PlanValue>>;
  /** A group's content; null for an action. */
  readonly content: ScopePlan | null;
  /** What an executor runs; null for a group. */
  readonly action: ActionToRun | null;
  readonly retry: RetryPlan;
  /** Of an attempt; of an element for a group or under `for_each`. Null: none. */
  readonly timeoutMs: number | null;
  readonly resources: Resources;
  /** Where it may run: made of its constraints and objectives, its resources and its time limit. */
  readonly demand: Demand;
  readonly onFailure: 'fail' | 'continue';
}

export interface PlanInput {
  readonly value: PlanValue;
  /** Null where the action declares nothing (noop, container). */
  readonly declaration: IoDeclaration | null;
}

/**
 * A value in a definition: literal, one expression, or an object or list that has expressions inside it.
 */
export type PlanValue =
  | { readonly type: 'literal'; readonly value: JsonValue }
  | { readonly type: 'expression'; readonly expression: Expression }
  | { readonly type: 'list'; readonly items: readonly PlanValue[] }
  | { readonly type: 'object'; readonly fields: Readonly<Record<string, PlanValue>> };

export interface ForEachPlan {
  /** The list, or the expression that gives it. */
  readonly in: PlanValue;
  /** Elements that may be open at once. */
  readonly concurrency: number;
  /** The share of elements that must succeed, 0 to 1. */
  readonly minSuccess: number;
}

/** Attempts in all and the pauses between them, as full-jitter exponential backoff. */
export interface RetryPlan {
  readonly maxAttempts: number;
  readonly initialIntervalMs: number;
  readonly maxIntervalMs: number;
  readonly multiplier: number;
  /** Kinds of failure that use the user's budget and are retried. */
  readonly on: ReadonlySet<string>;
  /** How an attempt after one that ran out of memory differs from it; the usual way where it is not there. */
  readonly memory?: MemoryGrowth;
}

export interface MemoryGrowth {
  /** Of what the attempt had that ran out of memory; at least 1. */
  readonly factor: number;
  /** However often it fails; null for the usual bound. */
  readonly maxBytes: number | null;
}

/** A compiled CEL expression. Total: evaluating yields a value or says why not; it never throws. */
export interface Expression {
  readonly source: string;
  /** What it reads: every free identifier, with the field path as far as it is fixed (`split.regions`: ['split', 'regions']). */
  readonly references: readonly (readonly string[])[];
  /**
   * When the expression is nothing but a reference (`=item.name`, `=split.regions`), its path: then the value can be
   * passed on without being looked at (files, secrets, large values). Null otherwise.
   */
  readonly path: readonly string[] | null;
  /**
   * Declared types are part of what was compiled: an `integer` is reckoned with as an integer, other numbers as doubles.
   *
   * @param scope by identifier; only those named in `references` are asked for. Values are JSON, with `$value`
   * references opened unless `path` is set
   */
  evaluate(scope: JsonObject): Evaluation;
}

export type Evaluation =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly reason: string };
