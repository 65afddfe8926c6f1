import type { JsonObject, JsonValue } from '@ryax/contracts';
import { fuzzCases, fuzzTimeoutMs } from '@ryax/testing';
import fc from 'fast-check';
import { catalogue, fit, noop, split, trigger, workflow } from './spec-fixtures';
import { compilePlan, validateDefinition } from './validate';

const valid = workflow({
  trigger,
  actions: [
    split(),
    fit(),
    noop('nap', { x: '=1 + 2' }, { when: '=true', timeout: '1m', retry: { max_attempts: 3, initial_interval: '1s' } }),
    { id: 'both', actions: [noop('inner', { x: 1 })], outputs: { x: '=inner.x' } },
  ],
  finally: [noop('tidy')],
});

/** Values that somebody may have meant, and such as nobody did. */
const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(NaN, -0, 1e308, '', '=', '=[', '\0', '9'.repeat(400), '=a.b.c', [[]], {}, undefined),
  fc.constant('x'.repeat(20_000)),
  fc.string({ unit: 'binary' }),
  fc.integer({ min: 1, max: 300 }).map((depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown),
);

/** Where a definition is changed: the choices on the way down. */
const edits = fc.array(fc.record({ way: fc.array(fc.nat(20), { maxLength: 8 }), value: strange }), {
  minLength: 1,
  maxLength: 4,
});

function edited(document: JsonValue, way: readonly number[], value: unknown): unknown {
  const [step, ...rest] = way;
  if (step === undefined || typeof document !== 'object' || document === null) return value;
  const keys = Object.keys(document);
  const key = keys[step % (keys.length + 1)] ?? 'unknown';
  const inner = (document as JsonObject)[key] ?? null;
  if (Array.isArray(document))
    return document.map((each, index) => (String(index) === key ? edited(each, rest, value) : each));
  return { ...document, [key]: edited(inner, rest, value) };
}

describe('a definition that was damaged', () => {
  it('is the one that was meant to be valid', () => {
    const validation = validateDefinition(valid, catalogue);
    expect(validation.ok ? [] : validation.faults).toEqual([]);
  });

  it(
    'is refused with faults that say where and why, or compiles: never anything else',
    () => {
      fc.assert(
        fc.property(edits, (changes) => {
          const damaged = changes.reduce<unknown>(
            (document, { way, value }) => edited(document as JsonValue, way, value),
            valid,
          );
          const validation = validateDefinition(damaged, catalogue);
          if (validation.ok) {
            expect(compilePlan(validation.deployed).entries.length).toBe(validation.plan.entries.length);
            return;
          }
          expect(validation.faults.length).toBeGreaterThan(0);
          for (const { path, reason } of validation.faults) {
            expect(typeof path).toBe('string');
            expect(reason).not.toBe('');
          }
        }),
        { numRuns: fuzzCases(20) },
      );
    },
    fuzzTimeoutMs,
  );
});
