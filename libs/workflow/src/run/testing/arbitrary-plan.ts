import * as fc from 'fast-check';
import type { JsonValue } from '@ryax/contracts';
import type { Plan } from '../../definition/plan';
import { action, computed, group, literal, ref, workflow, type EntrySpec } from './plan-builder';

/**
 * Definitions of every shape that the aggregate knows: chains, joins, conditions, lists of none to a few elements, groups
 * in groups, tolerated failures, retries, time limits and `finally`.
 */
export interface PlanShape {
  readonly actions: readonly EntryShape[];
  readonly last: readonly EntryShape[];
  readonly timeoutMs: number | undefined;
}

export interface EntryShape {
  /** Which earlier entries of its scope it waits for, counted back from itself. */
  readonly after: readonly number[];
  /** Which of them it takes a required input from. */
  readonly takes: number | undefined;
  readonly when: 'true' | 'false' | 'odd' | undefined;
  readonly elements: number | undefined;
  readonly concurrency: number;
  readonly minSuccess: number;
  readonly onFailure: 'fail' | 'continue';
  readonly attempts: number;
  readonly timeoutMs: number | undefined;
  /** A group's content; none for an action. */
  readonly content: readonly EntryShape[] | undefined;
}

const back = fc.integer({ min: 1, max: 4 });

/** There in so many of a hundred. */
function sometimes<T>(share: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 100 - share, arbitrary: fc.constant(undefined) }, { weight: share, arbitrary });
}

function entryShape(content: fc.Arbitrary<readonly EntryShape[] | undefined>): fc.Arbitrary<EntryShape> {
  return fc.record({
    after: fc.array(back, { maxLength: 2 }),
    takes: sometimes(40, back),
    when: sometimes(20, fc.constantFrom('true' as const, 'false' as const, 'odd' as const)),
    elements: sometimes(40, fc.integer({ min: 0, max: 4 })),
    concurrency: fc.integer({ min: 1, max: 3 }),
    minSuccess: fc.constantFrom(0, 0.5, 1),
    onFailure: fc.constantFrom('fail' as const, 'continue' as const),
    attempts: fc.integer({ min: 1, max: 3 }),
    timeoutMs: sometimes(20, fc.integer({ min: 1, max: 20_000 })),
    content,
  });
}

function entries(content: fc.Arbitrary<EntryShape>): fc.Arbitrary<EntryShape> {
  return entryShape(sometimes(40, fc.array(content, { minLength: 1, maxLength: 3 })));
}

const leaf = entryShape(fc.constant(undefined));

export const planShape: fc.Arbitrary<PlanShape> = fc.record({
  actions: fc.array(entries(entries(leaf)), { minLength: 1, maxLength: 5 }),
  last: fc.array(leaf, { maxLength: 2 }),
  timeoutMs: sometimes(20, fc.integer({ min: 1, max: 60_000 })),
});

export function planOf({ actions, last, timeoutMs }: PlanShape): Plan {
  return workflow({
    actions: specsOf(actions, 'a'),
    finally: specsOf(last, 'z'),
    results: Object.fromEntries(actions.map((_, index) => [`r${index}`, ref(`a${index}`)])),
    finallyTimeoutMs: 30_000,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

function specsOf(shapes: readonly EntryShape[], prefix: string): EntrySpec[] {
  return shapes.map((shape, index) => specOf(shape, prefix, index));
}

function specOf(shape: EntryShape, prefix: string, index: number): EntrySpec {
  const id = `${prefix}${index}`;
  const name = (steps: number) => `${prefix}${index - steps}`;
  const earlier = (steps: number) => steps <= index;
  const { when, elements, concurrency, minSuccess, onFailure, timeoutMs } = shape;
  const options = {
    after: shape.after.filter(earlier).map(name),
    onFailure,
    ...(when === undefined
      ? {}
      : { when: computed(shape.after.filter(earlier).map(name), (scope) => holds(when, scope)) }),
    ...(elements === undefined ? {} : { forEach: { in: literal(list(elements)), concurrency, minSuccess } }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  if (shape.content !== undefined) {
    return group(id, { ...options, actions: specsOf(shape.content, `${id}_`), outputs: { first: ref(`${id}_0`) } });
  }
  const takes = shape.takes !== undefined && earlier(shape.takes) ? { from: ref(name(shape.takes)) } : {};
  return action(id, { ...options, inputs: takes, retry: { maxAttempts: shape.attempts, initialIntervalMs: 1_000 } });
}

function holds(when: 'true' | 'false' | 'odd', scope: { readonly [key: string]: JsonValue }): boolean {
  return when === 'odd' ? JSON.stringify(scope).length % 2 === 1 : when === 'true';
}

function list(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
