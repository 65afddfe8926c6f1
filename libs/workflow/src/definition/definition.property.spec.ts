import type { JsonObject } from '@ryax/contracts';
import fc from 'fast-check';
import { parseMetadata } from './metadata';
import { catalogue, noop, workflow } from './spec-fixtures';
import { actionReferences, compilePlan, validateDefinition } from './validate';

/** A DAG: entry i may wait for entries before it; then they are shuffled, so that writing order says nothing. */
const dags = fc
  .array(fc.array(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 30 })
  .map((rows) => rows.map((row, index) => [...new Set(row.filter((target) => target < index))]))
  .chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray([...rows.keys()], { minLength: rows.length })));

/** Three ways to wait. */
function entry(index: number, targets: readonly number[]): JsonObject {
  const by = (kind: number) => targets.filter((target) => (target + index) % 3 === kind);
  const inputs = Object.fromEntries([
    ...by(0).map((target) => [`x${target}`, `=a${target}.own`] as const),
    ...by(1).map((target) => [`x${target}`, `=[state.a${target}, string(a${target}.own)]`] as const),
  ]);
  return noop(`a${index}`, { own: index, ...inputs }, { after: by(2).map((target) => `a${target}`) });
}

describe('any DAG', () => {
  it('compiles to a plan whose order respects every edge, and only its edges', () => {
    fc.assert(
      fc.property(dags, ([rows, order]) => {
        const validation = validateDefinition(
          workflow({ actions: order.map((index) => entry(index, rows[index] ?? [])) }),
          catalogue,
        );
        if (!validation.ok) throw new Error(JSON.stringify(validation.faults));
        const { plan } = validation;
        const rank = new Map(plan.main.entries.map((number, position) => [plan.entries[number]?.id, position]));
        expect(rank.size).toBe(rows.length);
        for (const [index, targets] of rows.entries()) {
          const own = plan.entryById.get(`a${index}`);
          const waitsFor = own?.dependencies.map((number) => plan.entries[number]?.id);
          expect(new Set(waitsFor)).toEqual(new Set(targets.map((target) => `a${target}`)));
          for (const target of targets) expect(rank.get(`a${target}`)).toBeLessThan(rank.get(`a${index}`) ?? -1);
        }
      }),
    );
  });

  it('compiles to the same plan from what was deployed', () => {
    fc.assert(
      fc.property(dags, ([rows, order]) => {
        const validation = validateDefinition(
          workflow({ actions: order.map((index) => entry(index, rows[index] ?? [])) }),
          catalogue,
        );
        if (!validation.ok) throw new Error(JSON.stringify(validation.faults));
        const stored: unknown = JSON.parse(JSON.stringify(validation.deployed));
        expect(JSON.stringify(compilePlan(stored as typeof validation.deployed))).toBe(JSON.stringify(validation.plan));
      }),
      { numRuns: 30 },
    );
  });

  it('is refused with its cycle when one edge is turned round', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), (length, seed) => {
        const ring = Array.from({ length }, (_, index) => noop(`a${index}`, { x: `=a${(index + 1) % length}.x` }));
        const turned = ring.map((_, index) => ring[(index + seed) % length] ?? {});
        const validation = validateDefinition(workflow({ actions: turned }), catalogue);
        expect(!validation.ok && validation.faults).toMatchObject([
          { reason: expect.stringMatching(/^waits for itself: (a\d+ → )+a\d+$/) },
        ]);
      }),
    );
  });
});

describe('anything', () => {
  const fields = fc.constantFrom(
    'id',
    'action',
    'actions',
    'inputs',
    'when',
    'for_each',
    'after',
    'outputs',
    'retry',
    'container',
    'timeout',
    'in',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '=a.b',
      '=item',
      '=[1].map(x, x)',
      '==',
      '=',
      '=size(a) > 3',
      'core/noop',
      '=state.a',
      '=a[',
      '={"a": a.b}',
    ),
    fc.string().map((text) => `=${text}`),
  );
  const { value: anything } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      texts,
      fc.constantFrom(null, true, 0, 1.5, -1, NaN, undefined),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fields, tie('value'), { maxKeys: 5 }),
    ),
  }));

  it('never throws, and is refused or compiles', () => {
    fc.assert(
      fc.property(
        fc.oneof(anything, fc.anything({ withDate: true, withMap: true, withNullPrototype: true })),
        (value) => {
          for (const each of [value, workflowOf(value)]) {
            const validation = validateDefinition(each, catalogue);
            expect(validation.ok || validation.faults.length > 0).toBe(true);
            expect(Array.isArray(actionReferences(each))).toBe(true);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is metadata or is refused', () => {
    fc.assert(
      fc.property(anything, (value) => {
        for (const each of [value, { apiVersion: 'ryax.tech/v2.0', kind: 'Processor', spec: value }]) {
          const parsed = parseMetadata(each);
          expect(parsed.ok || parsed.faults.length > 0).toBe(true);
        }
      }),
    );
  });

  function workflowOf(value: unknown): unknown {
    return {
      apiVersion: 'ryax.tech/v2.0',
      kind: 'Workflow',
      spec: { id: 'a', actions: [value, { id: 'a', action: 'core/noop', inputs: value }], results: value },
    };
  }
});
